"""The stored results: results.jsonl, a line for each run that has spent its budget, in the order in which they were made.

    {"run": "minigrid/himac/1", "curve": [[interactions, success], ...], "steps": 35, "start": sha256, "seconds": 150.2,
     "last": {metrics of the last step}}

`seconds` is processor time, with that of the warm start where this run made it. `start` is the hash of the weights that the run
began with: those of a pair are equal, though a processor of another kind trains a warm start to other digits.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from design import Planned

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import runner

FILE = HERE / "results.jsonl"


def read(file: Path = FILE) -> dict[str, dict[str, Any]]:
    """Returns the stored lines by the names of their runs."""
    return runner.read(file)


def add(
    run: Planned,
    curve: Sequence[tuple[float, float]],
    last: Mapping[str, Any],
    steps: int,
    start: str,
    seconds: float,
    file: Path = FILE,
) -> None:
    """Stores a run that is whole."""
    numbers = {name: round(value, 6) for name, value in sorted(last.items()) if isinstance(value, float | int)}
    line = {
        "run": run.name, "curve": [[round(spent), round(success, 6)] for spent, success in curve], "steps": steps,
        "start": start, "seconds": round(seconds, 1), "last": numbers,
    }  # fmt: skip
    runner.append(file, line)


def refuse_other_start(run: Planned, start: str, file: Path = FILE) -> None:
    """Ends the call where a stored run of this pair began with other weights."""
    for line in read(file).values():
        environment, _, pair = line["run"].split("/")
        if (environment, int(pair)) == (run.environment, run.pair) and line["start"] != start:
            raise SystemExit(
                f"{line['run']} is stored with a warm start {line['start'][:12]}, and here it is {start[:12]}: another processor "
                f"makes other digits; remove the stored runs of pair {run.pair} in {run.environment} to make that pair again"
            )
