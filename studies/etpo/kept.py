"""The stored results, a line for each run that has spent its budget: results.jsonl, and pilots.jsonl for pilots.

    {"run": "etpo/1", "curve": [[interactions, success], ...], "steps": 55, "start": sha256, "seconds": 80.1}

`seconds` is processor time, with that of the start model where this run made it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from arms import PILOT, Trial

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import runner

RESULTS, PILOTS = HERE / "results.jsonl", HERE / "pilots.jsonl"


def read(file: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Returns the stored lines by the names of their runs."""
    return runner.read(file)


def add(run: Trial, curve: Sequence[tuple[float, float]], steps: int, start: str, seconds: float) -> None:
    """Stores a run that is whole."""
    line = {
        "run": run.name, "curve": [[round(spent), round(success, 6)] for spent, success in curve], "steps": steps,
        "start": start, "seconds": round(seconds, 1),
    }  # fmt: skip
    runner.append(PILOTS if run.pair >= PILOT else RESULTS, line)


def refuse_other_start(run: Trial, start: str) -> None:
    """Ends the call where a stored run of this pair began with other weights."""
    for line in (read(PILOTS) if run.pair >= PILOT else read()).values():
        if int(line["run"].split("/")[1]) == run.pair and line["start"] != start:
            raise SystemExit(
                f"{line['run']} is stored with a start model {line['start'][:12]}, and here it is {start[:12]}: another "
                f"processor makes other digits; remove the stored runs of pair {run.pair} to make that pair again"
            )
