"""Reads the output*.jsonl of NeMo-Skills: a generation a line, with what the checker said.

Where the thinking was cut off a generation, the whole stands in `_full_generation`; where the server kept it apart, in
`reasoning_content`.
"""

from __future__ import annotations

from typing import Any

from hicra.corpus.fields import Fields, Response
from hicra.corpus.formats.interface import Context, Format, layout, present
from hicra.corpus.turns import joined

VERDICTS = ("symbolic_correct", "is_correct")


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns the response of a row."""
    whole, thought, text = row.get("_full_generation"), row.get("reasoning_content"), row["generation"]
    if type(whole) is str:
        text = whole
    elif type(thought) is str and type(text) is str:
        text = joined([thought, text])
    fields: Fields = {"response": (text, "generation")}
    fields |= present(row, question="problem" if "problem" in row else "question", answer="expected_answer")
    verdict = next((name for name in VERDICTS if name in row), None)
    if verdict is not None:
        fields["correct"] = (row[verdict], verdict)
    return [context.respond(row, fields)]


FORMAT = Format(
    "nemo_skills", rows, layout("generation"),
    one_of=layout(*VERDICTS, "predicted_answer", "expected_answer", "num_generated_tokens", "generation_time"),
)  # fmt: skip
