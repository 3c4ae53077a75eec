"""Reads rows of verl's {step}.jsonl: input, output, gts, score, step, what the reward function logged, and often uid.

`uid` names the prompt, in the validation dumps of the v1 trainer followed by the numbers of session and sample.
"""

from __future__ import annotations

import re
from typing import Any

from hicra.corpus.fields import Fields, Response, is_number, passes
from hicra.corpus.formats.interface import Context, Format, layout, present
from hicra.corpus.formats.plain import TEXTS
from hicra.correctness import CORRECT_AT

_SAMPLE = re.compile(r"_\d+_\d+$")


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns the response of a row; one without a score has no verdict, whatever else was logged."""
    fields: Fields = {"response": (row["output"], "output"), "question": (row["input"], "input")}
    fields |= present(row, answer="gts", reward="score", step="step", correct="correct", id="id", model="model",
                      source="source", token_ids="token_ids")  # fmt: skip
    uid = row.get("uid")
    if uid is not None:
        fields["group_id"] = (_SAMPLE.sub("", uid) if type(uid) is str else uid, "uid")
    stem = context.path.name.split(".", 1)[0]
    if "step" not in row and stem.isascii() and stem.isdigit():
        fields["step"] = (int(stem), "the file's name")
    verdict = row.get("acc")
    if "correct" not in row and (type(verdict) is bool or is_number(verdict)):
        fields["correct"] = (None if row["score"] is None else passes(verdict), f"acc >= {CORRECT_AT}")
    return [context.respond(row, fields)]


FORMAT = Format("verl", rows, layout("input", "output", "score"), never=frozenset(TEXTS))
