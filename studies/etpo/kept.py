"""The stored results, a line for each run that has spent its budget: results.jsonl, and pilots.jsonl for pilots.

    {"run": "etpo/1", "curve": [[interactions, success], ...], "steps": 55, "start": sha256, "seconds": 80.1}

`seconds` is processor time, with that of the start model where this run made it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from arms import PILOT, Trial

HERE = Path(__file__).resolve().parent
RESULTS, PILOTS = HERE / "results.jsonl", HERE / "pilots.jsonl"


def read(file: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Returns the stored lines by the names of their runs."""
    if not file.exists():
        return {}
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {line["run"]: line for line in lines}


def add(run: Trial, curve: Sequence[tuple[float, float]], steps: int, start: str, seconds: float) -> None:
    """Stores a run that is whole; one line is written at once, so a kill leaves none or all of it."""
    line = {
        "run": run.name, "curve": [[round(spent), round(success, 6)] for spent, success in curve], "steps": steps,
        "start": start, "seconds": round(seconds, 1),
    }  # fmt: skip
    with open(PILOTS if run.pair >= PILOT else RESULTS, "a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")


def refuse_other_start(run: Trial, start: str) -> None:
    """Ends the call where a stored run of this pair began with other weights."""
    for line in (read(PILOTS) if run.pair >= PILOT else read()).values():
        if int(line["run"].split("/")[1]) == run.pair and line["start"] != start:
            raise SystemExit(
                f"{line['run']} is stored with a start model {line['start'][:12]}, and here it is {start[:12]}: another "
                f"processor makes other digits; remove the stored runs of pair {run.pair} to make that pair again"
            )
