"""Reads ShareGPT conversations: turns of {from, value}, as FastChat and many data sets write them."""

from __future__ import annotations

from typing import Any

from hicra.corpus.fields import Fields, Response
from hicra.corpus.formats.interface import Context, Format, layout, present
from hicra.corpus.formats.plain import OWN
from hicra.corpus.strict_json import BadRow
from hicra.corpus.turns import asked

ROLES = {
    "gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant", "bing": "assistant", "bard": "assistant",
    "model": "assistant", "human": "user", "user": "user",
}  # fmt: skip


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns the response of a row: all that the model says, with the first human turn as its question."""
    turns = row["conversations"]
    if type(turns) is not list or not all(type(turn) is dict for turn in turns):
        raise BadRow("conversations must be a list of {from, value}")
    messages = [_message(turn) for turn in turns]
    fields: Fields = {
        "response": (messages, "conversations"),
        "question": (asked(messages, "conversations"), "the first human turn"),
    }
    fields |= present(row, id="id", correct="correct", reward="reward", answer="answer", group_id="group_id", step="step",
                      model="model", source="source")  # fmt: skip
    return [context.respond(row, fields)]


def _message(turn: dict[str, Any]) -> dict[str, Any]:
    """Returns a turn under the names of chat messages, which some data sets have under `conversations` as well."""
    if type(turn.get("from")) is not str:
        return turn
    return {**turn, "role": ROLES.get(turn["from"], turn["from"]), "content": turn.get("value")}


FORMAT = Format("sharegpt", rows, layout("conversations"), never=frozenset(OWN))
