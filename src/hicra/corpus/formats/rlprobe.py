"""Reads the samples/*.parquet of an rlprobe recording; its manifest, steps and events hold no rollouts.

A component of the reward stands in a column `reward_component.NAME`.
"""

from __future__ import annotations

from typing import Any

from hicra.corpus.fields import Fields, Response, passes
from hicra.corpus.formats.interface import Context, Format, layout, present
from hicra.correctness import CORRECT_AT, judge_of

PREFIX = "reward_component."


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns the response of a row; several components and no judge among them leave `correct` unknown."""
    fields: Fields = present(
        row, response="completion_text", question="prompt_text", reward="reward_total", step="step", group_id="group_id",
        id="sample_id", token_ids="completion_token_ids",
    )  # fmt: skip
    components = [name for name in row if name.startswith(PREFIX)]
    judge = judge_of(components)
    if judge is not None and len(components) > 1:
        fields["correct"] = (passes(row[judge]), f"{judge} >= {CORRECT_AT}")
    return [context.respond(row, fields, judged=len(components) < 2)]


FORMAT = Format(
    "rlprobe", rows, layout("completion_text", "prompt_text"), one_of=layout("reward_total", "sample_id", "group_id")
)
