"""The stored trials: results.jsonl, a line each; `run.py` says what a line holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent / "results.jsonl"


def stored(file: Path = FILE) -> dict[str, dict[str, Any]]:
    """Returns the stored lines by the names of their trials."""
    if not file.exists():
        return {}
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {line["trial"]: line for line in lines}
