"""Reads rows under the contract's own names, or under the names that `--map` gives."""

from __future__ import annotations

import difflib
from typing import Any

from hicra.corpus.fields import CANONICAL, Fields, Response, finish
from hicra.corpus.formats.interface import Context, Format, own
from hicra.corpus.mapping import value_at
from hicra.corpus.strict_json import BadRow
from hicra.corpus.turns import asked

OWN = ("response", "completion", "messages")
TEXTS = (*OWN, "solution")
ONE_EACH = ("correct", "reward", "token_ids")  # of several responses, a list as long holds one each


def plain_rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns the responses of a row: one, or as many as the list in the place of the response has."""
    source, value = _response(row, context)
    several = value if type(value) is list and all(type(one) in (str, list) for one in value) else None
    if several is not None and source != "messages":
        return [_one(row, context, source, text, part, len(several)) for part, text in enumerate(several)]
    return [_one(row, context, source, value)]


PLAIN = Format("", plain_rows, frozenset())


def _one(row: dict[str, Any], context: Context, source: str, value: Any, part: int = 0, parts: int = 0) -> Response:
    fields: Fields = {"response": (value, source)}
    for name in CANONICAL[1:]:
        if name in row:
            fields[name] = (own(row[name], part, parts) if name in ONE_EACH else row[name], name)
    if "question" not in row:
        if "prompt" in row:
            fields["question"] = (row["prompt"], "prompt")
        elif type(row.get("messages")) is list and (text := asked(row["messages"], "messages")) is not None:
            fields["question"] = (text, "the first user turn of messages")
    if context.mapping:
        fields = context.mapped(row, fields, part, parts)
        fields["response"] = (value, source)
    made = finish(fields)
    key = made.values.get("id", made.values.get("question"))
    if parts and key is not None and "group_id" not in made.values:
        made.values["group_id"], made.taken["group_id"] = key, "the row"  # its responses are samples of one prompt
    return made


def _response(row: dict[str, Any], context: Context) -> tuple[str, Any]:
    """Returns the column of the response, and its value."""
    mapped = context.mapping.get("response")
    if mapped is not None:
        there, value = value_at(row, mapped)
        if value is not None:
            context.met.add("response")
            return mapped, value
        close = difflib.get_close_matches(mapped, row, n=1, cutoff=0.5)
        hint = f"; {close[0]!r} is close to it" if close and not there else ""
        raise BadRow(f"no text: {mapped!r} is {'null' if there else 'absent'} ({_columns(row)}{hint})")
    for key in TEXTS:
        if row.get(key) is not None and (key in OWN or not any(name in row for name in OWN)):
            return key, row[key]
    raise BadRow(no_text(row), fix=map_fix(row))


def no_text(row: dict[str, Any]) -> str:
    """Returns what to say of a row without a response, with the key that is closest to one of `TEXTS`."""
    if row.get("solution") is not None:
        null = next(name for name in OWN if name in row)
        return f"no text: {null} is null, and beside it `solution` is the reference ({_columns(row)})"
    found = [key for key in row if key not in TEXTS]
    close = [
        (key, match) for key in found if (match := difflib.get_close_matches(key.lower(), TEXTS, n=1, cutoff=0.75))
    ]
    hint = f"; {close[0][0]!r} is close to {close[0][1][0]!r}" if close else ""
    return f"no text: response, completion, messages and solution are absent or null ({_columns(row)}{hint})"


# Columns in which others put what a model wrote, the likeliest first.
_LIKE_RESPONSE = (
    "generated_text", "generation", "generations", "model_output", "model_response", "output", "outputs", "output_text",
    "response_text", "responses", "completions", "completion_text", "prediction", "predictions", "generated", "text", "reply",
    "trajectory", "rollout",
)  # fmt: skip


def map_fix(row: dict[str, Any]) -> str:
    """Returns the next command for a row without a response; empty where one of the known columns is there, but null."""
    if any(name in row for name in OWN):
        return ""
    lower = {key.lower(): key for key in reversed(row)}
    like = next((lower[name] for name in _LIKE_RESPONSE if name in lower and _may_be_text(row[lower[name]])), None)
    if like is None:
        close = [key for key in row if difflib.get_close_matches(key.lower(), TEXTS, n=1, cutoff=0.6)]
        like = next((key for key in close if _may_be_text(row[key])), None)
    return f"say which column holds the model's text: --map response={like or 'COLUMN (or a path into objects: COLUMN.KEY)'}"


def _may_be_text(value: Any) -> bool:
    """Says whether a response can be read from a value: text, or a list of texts or messages."""
    return type(value) is str or (type(value) is list and bool(value) and type(value[0]) in (str, dict, list))


def _columns(row: dict[str, Any]) -> str:
    more = f" and {len(row) - 20} more" if len(row) > 20 else ""
    return f"columns found: {', '.join(map(repr, list(row)[:20])) or 'none'}{more}"
