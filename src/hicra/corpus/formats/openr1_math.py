"""Reads rows of the data set OpenR1-Math-220k: `generations` of a problem, each judged by math-verify; `solution` is gold."""

from __future__ import annotations

from typing import Any

from hicra.corpus.fields import Fields, Response
from hicra.corpus.formats.interface import Context, Format, layout, present
from hicra.corpus.strict_json import BadRow

VERDICTS = "correctness_math_verify"


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns a response for each of `generations`."""
    texts, verdicts = row["generations"], row.get(VERDICTS)
    if type(texts) is not list:
        raise BadRow("generations must be a list of texts")
    if type(verdicts) is list and len(verdicts) != len(texts):
        raise BadRow(f"{VERDICTS} has {len(verdicts)} entries, generations has {len(texts)}")
    made = []
    for part, text in enumerate(texts):
        fields: Fields = {"response": (text, "generations")}
        fields |= present(row, question="problem", answer="answer", group_id="uuid", source="source")
        fields["correct"] = (verdicts[part] if type(verdicts) is list else None, VERDICTS)
        made.append(context.respond(row, fields, part=part, parts=len(texts)))
    return made


FORMAT = Format(
    "openr1_math", rows, layout("generations", "problem"),
    one_of=layout(VERDICTS, "is_reasoning_complete", "correctness_count"),
)  # fmt: skip
