"""Reads rows under the contract's own names."""

from __future__ import annotations

from typing import Any

from hicra.corpus.fields import CANONICAL, TEXTS, Normal, finish, no_text
from hicra.corpus.strict_json import BadRow


def plain_row(row: dict[str, Any]) -> Normal:
    """Returns the canonical values of a row under the contract's own names."""
    taken: dict[str, str] = {}
    for key in TEXTS:
        if row.get(key) is not None:
            taken["response"] = key
            break
    else:
        raise BadRow(no_text(row))
    for field in CANONICAL[1:]:
        if field in row:
            taken[field] = field
    if "question" not in row and "prompt" in row:
        taken["question"] = "prompt"
    return finish(row, taken, {})
