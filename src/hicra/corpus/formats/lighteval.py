"""Reads the details_*.parquet of lighteval: `doc`, `metric` and `model_response` a row, each an object.

Before version 0.11 the same stood in columns of their own: `full_prompt`, `predictions`, `gold` and `metrics`.

Deviations (the contract names the layout alone):
READ-9. A metric is a verdict where it is a share from 0 to 1 and the only one, or the only one whose name holds accuracy or
    correct; it is one number for the row, so with several responses it judges none of them, unless it is a list of one each.
READ-10. The question is the query before lighteval wrapped it, where the details have it.
"""

from __future__ import annotations

from typing import Any

from hicra.corpus.fields import Fields, Response, is_number, share_passes
from hicra.corpus.formats.interface import Context, Format, inner, layout, own
from hicra.corpus.strict_json import BadRow
from hicra.corpus.turns import joined
from hicra.correctness import judge_of


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns a response for each generated text."""
    doc = row["doc"]
    texts, thoughts = inner(row, "model_response", "text"), inner(row, "model_response", "reasonings")
    question = inner(doc, "original_query") or inner(doc, "query")
    fields: Fields = {
        "question": (question, "doc.query"),
        "answer": (_gold(inner(doc, "choices"), inner(doc, "gold_index")), "doc.choices"),
        "group_id": (inner(doc, "id") or None, "doc.id"),
        "source": (inner(doc, "task_name") or None, "doc.task_name"),
    }
    return _responses(row, context, texts, thoughts, fields, row["metric"], "model_response.text")


def older_rows(row: dict[str, Any], context: Context) -> list[Response]:
    """The same for the columns of before 0.11."""
    gold = row.get("gold")
    fields: Fields = {
        "question": (row.get("example") or row.get("full_prompt"), "example" if row.get("example") else "full_prompt"),
        "answer": (gold[0] if type(gold) is list and len(gold) == 1 else gold, "gold"),
    }
    return _responses(row, context, row["predictions"], None, fields, row["metrics"], "predictions")


def _responses(
    row: dict[str, Any], context: Context, texts: Any, thoughts: Any, fields: Fields, metrics: Any, source: str
) -> list[Response]:
    if type(texts) is not list or not all(type(text) is str for text in texts):
        raise BadRow(f"{source} is no list of texts")
    scores = {name: value for name, value in metrics.items() if value is not None} if type(metrics) is dict else {}
    judge = judge_of(scores)
    parts = len(texts)
    made = []
    for part, text in enumerate(texts):
        thought = thoughts[part] if type(thoughts) is list and len(thoughts) == parts else None
        mine: Fields = {"response": (joined([thought if type(thought) is str else "", text]), source), **fields}
        if judge is not None and (parts == 1 or type(scores[judge]) is list):
            score = own(scores[judge], part, parts)
            mine["correct"] = (share_passes(score), f"metric {judge}")
            if is_number(score):
                mine["reward"] = (score, f"metric {judge}")
        made.append(context.respond(row, mine, part=part, parts=parts, judged=False))
    return made


def _gold(choices: Any, index: Any) -> Any:
    """Returns the gold answer, or the list of them."""
    if type(choices) is not list:
        return None
    places = index if type(index) is list else [index]
    found = [choices[place] for place in places if type(place) is int and 0 <= place < len(choices)]
    return found[0] if len(found) == 1 else found or None


FORMAT = Format("lighteval", rows, layout("doc", "metric", "model_response"))
OLDER = Format("lighteval", older_rows, layout("full_prompt", "predictions", "metrics"))
