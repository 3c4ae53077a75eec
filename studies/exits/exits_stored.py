"""The stored trials: results.jsonl, a line each; `run.py` says what a line holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import runner

FILE = HERE / "results.jsonl"


def stored(file: Path = FILE) -> dict[str, dict[str, Any]]:
    """Returns the stored lines by the names of their trials."""
    return runner.read(file, "trial")
