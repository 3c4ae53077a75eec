"""Reads the samples_*.jsonl of lm-evaluation-harness: a line for each doc and filter, with the responses of all its requests.

Deviations (the contract says: the first metric judges, and another filter repeats a doc):
READ-8. A metric is a verdict where it is a share from 0 to 1; it is one number for the line, so with several responses it
    judges none of them, unless it is a list of one each.
"""

from __future__ import annotations

from typing import Any

from hicra.corpus.fields import Fields, Response, is_number, share_passes
from hicra.corpus.formats.interface import Context, Format, inner, layout, own
from hicra.corpus.strict_json import BadRow


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns a response for each text in `resps`."""
    texts = list(_flat(row["resps"]))
    if not all(type(text) is str for text in texts):
        raise BadRow("resps holds no text: it is a task of log-likelihoods, where the model wrote nothing")
    question, origin = _question(row)
    metrics = row.get("metrics")
    metric = metrics[0] if type(metrics) is list and metrics and type(metrics[0]) is str else None
    made = []
    for part, text in enumerate(texts):
        score = own(row.get(metric), part, len(texts)) if metric is not None else None
        fields: Fields = {
            "response": (text, "resps"),
            "question": (question, origin),
            "answer": (row.get("target"), "target"),
        }
        fields["group_id"] = (row.get("doc_id"), "doc_id")
        if metric is not None:
            one_each = len(texts) == 1 or type(row.get(metric)) is list
            fields["correct"] = (share_passes(score) if one_each else None, metric)
            if one_each and is_number(score):
                fields["reward"] = (score, metric)
        # the other filters of a doc hold the same responses again
        key = [str(context.path), row.get("doc_id"), row.get("doc_hash"), row.get("prompt_hash"), part, text]
        made.append(context.respond(row, fields, part=part, parts=len(texts), key=key))
    return made


def _flat(value: Any) -> Any:
    if type(value) is list and not (len(value) == 2 and is_number(value[0]) and type(value[1]) is bool):
        for one in value:
            yield from _flat(one)
    else:
        yield value


def _question(row: dict[str, Any]) -> tuple[Any, str]:
    for name in ("question", "problem"):
        if type(asked := inner(row, "doc", name)) is str:
            return asked, f"doc.{name}"
    arguments = row.get("arguments")
    first: Any = inner(arguments, "gen_args_0", "arg_0")
    while type(arguments) is list and arguments:
        first = arguments = arguments[0]
    while type(first) is list and first and type(first[0]) is not dict:
        first = first[0]
    return first, "arguments"


FORMAT = Format("lm_eval", rows, layout("doc", "resps"))
