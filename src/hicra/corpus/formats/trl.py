"""Reads rows of TRL 1.16's completions_*.parquet: step, prompt, completion, a float column a reward function, advantage."""

from __future__ import annotations

import math
from typing import Any

from hicra.corpus.fields import PASS_MARK, Normal, finish, is_nan
from hicra.correctness import judge_of


def trl_row(row: dict[str, Any], rewards: list[str]) -> Normal:
    """Returns the canonical values of a row of TRL's completions_*.parquet."""
    row = {key: None if key in rewards and is_nan(value) else value for key, value in row.items()}
    taken = {"response": "completion", "question": "prompt", "step": "step"}
    taken |= {
        field: field
        for field in ("correct", "answer", "id", "group_id", "model", "source", "token_ids")
        if field in row
    }
    scores = [row[key] for key in rewards if row[key] is not None]
    derived: dict[str, Any] = {"reward": (math.fsum(scores) if scores else None, " + ".join(rewards))}
    if "correct" not in row:
        judge = judge_of(rewards)
        score = None if judge is None else row[judge]
        rule = "none of several rewards judges" if judge is None else f"{judge} >= {PASS_MARK}"
        derived["correct"] = (None if score is None else score >= PASS_MARK, rule)
    return finish(row, taken, derived)
