"""The intervals of a diagnosed run's metrics over prompts, as a file of its run folder that findings and reports read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from hicra.artifacts import canonical_json, write_text
from hicra.errors import ArtifactError

INTERVALS = "intervals.jsonl"
_AGAIN = "remove the file, or let `hicra diagnose` make the run folder again"


def save_intervals(run: Path, intervals: Mapping[int, Mapping[str, Sequence[float]]]) -> None:
    """Writes the intervals of a run's metrics into its folder, a line a step: {step, metric: [low, high]}."""
    lines = [canonical_json({"step": step, **of}, indent=None).rstrip("\n") for step, of in intervals.items()]
    write_text(run / INTERVALS, "".join(line + "\n" for line in lines))


def saved_intervals(run: Path) -> dict[int, dict[str, Sequence[float]]]:
    """Reads them back; empty where there are none.

    Raises:
        ArtifactError: the file is not what `save_intervals` writes.
    """
    if not (run / INTERVALS).exists():
        return {}
    found: dict[int, dict[str, Sequence[float]]] = {}
    for number, line in enumerate((run / INTERVALS).read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        step = row.pop("step", None) if isinstance(row, dict) else None
        if not isinstance(step, int) or not all(isinstance(ends, list) and len(ends) == 2 for ends in row.values()):
            raise ArtifactError(f"{run / INTERVALS} line {number} holds no intervals of a step", _AGAIN)
        found[step] = row
    return found
