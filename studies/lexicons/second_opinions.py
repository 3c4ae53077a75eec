"""Two other labellings of long traces, brought into label rows: RT-SEG (people) and thought-anchors (a model, with measured
causal importance). What cannot be placed in its text is left out and counted.
"""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hicra.labels.traces import LabelledTrace, read_labels

Row = dict[str, Any]
RTSEG_POSITIVE = ("Plan Generation", "Uncertainty Management", "Self Checking")
ANCHORS_POSITIVE = ("plan_generation", "uncertainty_management", "self_checking")
IMPORTANCE = ("counterfactual_importance_accuracy", "counterfactual_importance_kl", "resampling_importance_kl")
# The annotation page wrote line ends as a backslash and an n. In mathematics these two also begin a command (\\neq), so
# they are taken out on both sides.
_DROPPED = re.compile(r"\s|\\n")


def rows_of(path: Path) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def traces_of(rows: Sequence[Row], positive: Sequence[str]) -> list[LabelledTrace]:
    """The rows through the strict reader."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return read_labels(path, positive)


def rt_seg(path: Path) -> tuple[list[LabelledTrace], int]:
    """(traces with units found by their text, number of units not found)."""
    out, lost = [], 0
    for row in rows_of(path):
        response = row["response"]
        dropped = {index for match in _DROPPED.finditer(response) for index in range(*match.span())}
        kept = [index for index in range(len(response)) if index not in dropped]
        solid = "".join(response[index] for index in kept)
        units, at = [], 0
        for unit in row["units"]:
            text = _DROPPED.sub("", unit["text"])
            found = solid.find(text, at) if text else -1
            if found < 0:
                lost += 1
                continue
            units.append({"start": kept[found], "end": kept[found + len(text) - 1] + 1, "labels": unit["labels"]})
            at = found + len(text)
        out.append(
            {key: row[key] for key in ("response", "doc_id", "question", "annotator", "human", "model")}
            | {"units": units}
        )
    return traces_of(out, RTSEG_POSITIVE), lost


def thought_anchors(path: Path) -> tuple[list[LabelledTrace], list[dict[str, NDArray[np.float64]]], int]:
    """(traces, the importance figures of their units [U], number of units without offsets)."""
    rows, importance, lost = [], [], 0
    for row in rows_of(path):
        units = sorted((unit for unit in row["units"] if unit["start"] is not None), key=lambda unit: unit["start"])
        lost += len(row["units"]) - len(units)
        importance.append({name: np.array([unit[name] for unit in units], np.float64) for name in IMPORTANCE})
        rows.append(row | {"units": units})
    return traces_of(rows, ANCHORS_POSITIVE), importance, lost
