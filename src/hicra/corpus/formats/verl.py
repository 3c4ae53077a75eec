"""Reads rows of verl 0.9's {step}.jsonl: input, output, gts, score, step, and uid (one a prompt, so it is the group)."""

from __future__ import annotations

from typing import Any

from hicra.corpus.fields import PASS_MARK, Normal, finish, is_number, no_text
from hicra.corpus.strict_json import BadRow


def verl_row(row: dict[str, Any], step: int | None) -> Normal:
    """Returns the canonical values of a row of verl's {step}.jsonl; `step` is that of the file's name, for rows without."""
    taken = {
        "response": "output",
        "question": "input",
        "answer": "gts",
        "reward": "score",
        "group_id": "uid",
        "step": "step",
    }
    taken = {field: key for field, key in taken.items() if key in row}
    taken |= {field: field for field in ("id", "model", "source", "token_ids", "correct") if field in row}
    if row.get("output") is None:
        raise BadRow(no_text(row))
    derived: dict[str, Any] = {}
    if "step" not in row and step is not None:
        derived["step"] = (step, "the file's name")
    if "correct" not in row and (is_number(row.get("acc")) or type(row.get("acc")) is bool):
        derived["correct"] = (row["acc"] >= PASS_MARK, f"acc >= {PASS_MARK}")
    return finish(row, taken, derived)
