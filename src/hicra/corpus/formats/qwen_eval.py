"""Reads the *.jsonl of Qwen2.5-Math's evaluation: the samples of a question in `code`, their verdicts in `score`."""

from __future__ import annotations

from typing import Any

from hicra.corpus.fields import Fields, Response
from hicra.corpus.formats.interface import Context, Format, layout
from hicra.corpus.strict_json import BadRow


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns a response for each of `code`; `solution` and `answer` are of the data set."""
    texts, scores = row["code"], row.get("score")
    if type(texts) is not list:
        raise BadRow("code must be a list of texts")
    if type(scores) is list and len(scores) != len(texts):
        raise BadRow(f"score has {len(scores)} entries, code has {len(texts)}")
    gold = "gt" if row.get("gt") not in (None, "") else "answer"
    made = []
    for part, text in enumerate(texts):
        fields: Fields = {
            "response": (text, "code"),
            "question": (row.get("question"), "question"),
            "answer": (row.get(gold), gold),
            "group_id": (row["idx"], "idx"),
        }
        if type(scores) is list:
            fields["correct"] = (scores[part], "score")
        made.append(context.respond(row, fields, part=part, parts=len(texts)))
    return made


FORMAT = Format("qwen_eval", rows, layout("code", "idx"), one_of=layout("pred", "score", "report"))
