"""Reads rows of TRL 1.16's completions_*.parquet: step, prompt, completion, a float column a reward function, advantage."""

from __future__ import annotations

import math
from typing import Any

from hicra.corpus.fields import Fields, Response, passes
from hicra.corpus.formats.interface import Context, Format, layout, present
from hicra.correctness import CORRECT_AT, judge_of


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns the response of a row; several rewards without one judge among them leave `correct` unknown."""
    rewards = [key for key in row if key in context.floats and key not in ("step", "advantage")]
    scores = [row[key] for key in rewards if row[key] is not None]
    fields: Fields = {"response": (row["completion"], "completion"), "question": (row["prompt"], "prompt")}
    fields |= present(row, step="step", correct="correct", answer="answer", id="id", group_id="group_id", model="model",
                      source="source", token_ids="token_ids")  # fmt: skip
    if rewards:
        fields["reward"] = (math.fsum(scores) if scores else None, " + ".join(rewards))
    judge = judge_of(rewards)
    if "correct" not in fields and judge is not None:
        fields["correct"] = (passes(row[judge]), f"{judge} >= {CORRECT_AT}")
    return [context.respond(row, fields, judged=False)]


FORMAT = Format("trl", rows, layout("step", "prompt", "completion", "advantage"), floats=True)
