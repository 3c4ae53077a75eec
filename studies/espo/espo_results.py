"""The stored results, a line for each run that is whole: results.jsonl for registered runs, pilots.jsonl for pilots.

    {"run": "espo/1", "curve": [[step, solved, reward], ...], "start": sha256, "seconds": 50.2, "last": {metrics of last step}}

`seconds` is processor time, with that of the start model where this run made it. `start` is the hash of the weights that the run
began with: those of a pair are equal.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from espo_design import Planned

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import runner

RESULTS, PILOTS = HERE / "results.jsonl", HERE / "pilots.jsonl"


def read(file: Path) -> dict[str, dict[str, Any]]:
    """Returns the stored lines by the names of their runs."""
    return runner.read(file)


def file_of(run: Planned) -> Path:
    """Returns where a run is stored."""
    return PILOTS if run.rate else RESULTS


def add(
    run: Planned, curve: Sequence[Sequence[float]], last: Mapping[str, float], start: str, seconds: float, file: Path
) -> None:
    """Stores a run that is whole."""
    line = {
        "run": run.name, "curve": [[int(step), round(solved, 6), round(reward, 6)] for step, solved, reward in curve],
        "start": start, "seconds": round(seconds, 1), "last": {name: round(value, 6) for name, value in sorted(last.items())},
    }  # fmt: skip
    runner.append(file, line)
