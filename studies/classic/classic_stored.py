"""The stored runs: results.jsonl, a line each; `run.py` says what a line holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import runner

FILE = HERE / "results.jsonl"


def stored(file: Path = FILE) -> dict[str, dict[str, Any]]:
    """Returns the stored lines by the names of their runs."""
    return runner.read(file)


def hours(found: dict[str, dict[str, Any]], system: str) -> float:
    """Returns the processor time of a study's stored runs."""
    return sum(line["seconds"] for name, line in found.items() if name.startswith(f"{system}/")) / 3600
