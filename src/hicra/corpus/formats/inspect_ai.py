"""Reads the samples of an Inspect log, as .eval or .json; each row is a sample, with the log's `eval` beside it.

Deviations (the contract names the layout alone):
READ-11. C is right, I and N (no answer) are wrong; P (partly) and what is no verdict leave `correct` unknown. Of several
    scorers the one judges whose name holds accuracy or correct, where there is exactly one.
READ-12. Assistant messages that were put in (`source` is input) are no response. A sample that ended before the model said
    anything has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hicra.corpus.fields import Fields, Response, is_number, passes
from hicra.corpus.formats.interface import Context, Format, inner, layout, object_of
from hicra.corpus.strict_json import BadRow
from hicra.corpus.turns import asked, spoken
from hicra.correctness import judge_of

ATTACHMENT = "attachment://"
_WORDS = {"c": True, "i": False, "n": False, "yes": True, "true": True, "no": False, "false": False}
_SCORES = {"c": 1.0, "i": 0.0, "n": 0.0, "p": 0.5, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns the response of a sample, or none."""
    attached = object_of(row.get("attachments"), "attachments")
    messages = _messages(_resolved(row.get("messages"), attached))
    own = [message for message in messages if message.get("source") != "input"]
    text = spoken(own, "messages")
    if text is None:
        choices = inner(row, "output", "choices")
        said = [inner(choice, "message") for choice in choices[:1]] if type(choices) is list else []
        text = spoken(_resolved(_messages([message for message in said if message]), attached), "output")
    if text is None:
        return []
    asked_for = _resolved(row["input"], attached)
    fields: Fields = {
        "response": (text, "messages"),
        "question": (asked(asked_for, "input") if type(asked_for) is list else asked_for, "input"),
        "answer": (row.get("target"), "target"),
        "id": (row.get("uuid"), "uuid"),
        "group_id": (row.get("id"), "id"),
        "model": (inner(row, "eval", "model"), "eval.model"),
        "source": (inner(row, "eval", "task"), "eval.task"),
    }
    fields = {name: field for name, field in fields.items() if field[0] is not None}
    given = object_of(row.get("scores"), "scores")
    scores = {name: inner(score, "value") for name, score in given.items() if score is not None}
    judge = judge_of(scores)
    if judge is not None:
        value = scores[judge]
        word = value.lower() if type(value) is str else None
        fields["correct"] = (passes(value) if word is None else _WORDS.get(word), f"scores.{judge}")
        number = _SCORES.get(word) if word is not None else float(value) if type(value) is bool else value
        if is_number(number):
            fields["reward"] = (number, f"scores.{judge}")
    return [context.respond(row, fields, judged=False)]


def _messages(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if type(value) is not list or not all(type(message) is dict for message in value):
        raise BadRow("messages must be a list of objects")
    return value


def _resolved(value: Any, attached: Mapping[str, Any]) -> Any:
    """Returns a value with the texts in the place of references to attachments."""
    if type(value) is str and value.startswith(ATTACHMENT):
        return attached.get(value.removeprefix(ATTACHMENT), value)
    if type(value) is list:
        return [_resolved(one, attached) for one in value]
    if type(value) is dict:
        return {name: _resolved(one, attached) for name, one in value.items()}
    return value


FORMAT = Format("inspect", rows, layout("epoch", "input", "target"), one_of=layout("messages", "output"))
