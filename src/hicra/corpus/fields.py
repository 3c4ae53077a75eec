"""Makes the canonical fields of a response, each checked, out of what a format says of one row.

They are response, correct, reward, question, answer, id, group_id, step, model, source and token_ids; every other key is an
extra and stays. `formats/` has one file for each program whose rows are read.

Deviations (the contract names the fields, not these cases):
READ-1. Where nothing judges a response and there is one reward, `correct` is reward >= 0.5. An explicit null stays null.
READ-2. A TRL dump names neither its reward functions nor their weights, so the reward columns are its float columns except
    `advantage`, and `reward` is the sum of those that are scored, as TRL's default weights make it.
READ-3. The response is the first of response, completion and messages that is not null. Where a row has one of these keys,
    `solution` is never taken, also where they are null: it is then the reference.
READ-4. `answer` may be a number or a list; it is kept as its JSON text. Where there is no `question`, `prompt` is taken, else
    the first user turn of `messages`.
READ-13. A step that is a whole number in text, and a reward that is a number in text, are read as that number.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from hicra.corpus.strict_json import BadRow
from hicra.corpus.turns import asked, spoken
from hicra.correctness import CORRECT_AT

CANONICAL = (
    "response", "correct", "reward", "question", "answer", "id", "group_id", "step", "model", "source", "token_ids",
)  # fmt: skip

FROM_TEXT = ("step", "reward")  # fields whose number may be given as text
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")

Fields = dict[str, tuple[Any, str]]  # canonical name -> its value as it was read, and where that comes from


class InText(str):
    """Says where a number comes from that was given as text."""


class Ruled(str):
    """Says where `correct` comes from where READ-1 makes it of a reward."""


@lru_cache(maxsize=256)  # one object for all rows, since they are made and looked at for each
def _in_text(source: str) -> InText:
    return InText(f"{source}, a number in text")


@lru_cache(maxsize=256)
def _ruled(source: str) -> Ruled:
    return Ruled(f"{source} >= {CORRECT_AT}")


class Response(NamedTuple):
    """Holds one response.

    Attributes:
        values: canonical name -> value, of those that are not null.
        taken: canonical name -> the key or rule that it comes from.
        key: what the writer knows the response by: one that comes again is a duplicate. None where only `id` tells.
    """

    values: dict[str, Any]
    taken: dict[str, str]
    key: Any = None


def finish(fields: Fields, key: Any = None, judged: bool = True) -> Response:
    """Returns a response with its values checked.

    Args:
        fields: what is known of it.
        key: see `Response`.
        judged: with False no `correct` is made of the reward: there are several rewards, and none of them is the judge.

    Raises:
        BadRow: a value that its field does not allow.
    """
    values: dict[str, Any] = {}
    taken: dict[str, str] = {}
    for name, (value, source) in fields.items():
        taken[name] = source
        if value is not None:
            try:
                values[name] = CHECKS[name](value, source)
            except BadRow as bad:
                bad.field = name
                raise
            if type(value) is str and name in FROM_TEXT:
                taken[name] = _in_text(source)
    if judged and "correct" not in taken and values.get("reward") is not None:
        values["correct"], taken["correct"] = values["reward"] >= CORRECT_AT, _ruled(fields["reward"][1])
    return Response(values, taken, key)


def passes(value: Any) -> bool | None:
    """Returns the verdict that a score stands for: true and false as they are, a number by `CORRECT_AT`, else None."""
    if type(value) is bool:
        return value
    return value >= CORRECT_AT if is_number(value) else None


def share_passes(value: Any) -> bool | None:
    """Returns `passes` of a metric that is a share, from 0 to 1; None of any other number (a count, a length, a distance)."""
    return passes(value) if type(value) is bool or (is_number(value) and 0 <= value <= 1) else None


# ---- the checks of single fields: (value that is not null, input key) -> canonical value
def _text(value: Any, key: str) -> str:
    if type(value) is str:
        return value
    raise BadRow(f"{key} must be a string, not {kind_of(value)}")


def _response(value: Any, key: str) -> str:
    return _text_or_messages(value, key, spoken, "assistant")


def _question(value: Any, key: str) -> str:
    return _text_or_messages(value, key, asked, "user")


def _text_or_messages(value: Any, key: str, said: Callable[[list[Any], str], str | None], role: str) -> str:
    if type(value) is str:
        return value
    if type(value) is not list:
        raise BadRow(f"{key} must be a string or a list of messages, not {kind_of(value)}")
    text = said(value, key)
    if text is None:
        raise BadRow(f"{key} holds no {role} message with text")
    return text


def _correct(value: Any, key: str) -> bool:
    if type(value) is bool:
        return value
    if is_number(value) and value in (0, 1):
        return bool(value)
    what = str(value)[:20] if is_number(value) else kind_of(value)
    raise BadRow(f"{key} must be true, false or null (or 1 and 0), not {what}")


def _reward(value: Any, key: str) -> float | None:
    if type(value) is list:  # one a token or a turn
        parts = [None if part is None else number_of(part, f"an entry of {key}") for part in value]
        return math.fsum(part for part in parts if part is not None) if parts and None not in parts else None
    if type(value) is bool:
        raise BadRow(f"{key} must be a number, not true/false, which belongs to `correct` (--map correct={key})")
    if type(value) is str and _DECIMAL.fullmatch(value):
        return number_of(float(value), key)
    return number_of(value, key)


def number_of(value: Any, key: str) -> float:
    """Returns a number as a float. Raises BadRow where it is none, or not finite."""
    if not is_number(value):
        raise BadRow(f"{key} must be a number, not {shown_value(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadRow(f"{key} is not finite: {value if type(value) is float else 'an integer too large'}")
    return number


def _answer(value: Any, key: str) -> str:
    return value if type(value) is str else json.dumps(value, ensure_ascii=False, default=str)


def _identifier(value: Any, key: str) -> int | str:
    if type(value) is int or type(value) is str:
        return value
    raise BadRow(f"{key} must be a string or an integer, not {kind_of(value)}")


def _step(value: Any, key: str) -> int:
    if (type(value) is float and value.is_integer()) or (type(value) is str and _WHOLE.fullmatch(value)):
        value = int(value)
    if type(value) is int and abs(value) < 2**63:
        return value
    raise BadRow(f"{key} must be an integer, not {shown_value(value)}")


def _token_ids(value: Any, key: str) -> list[int]:
    if type(value) is list and set(map(type, value)) <= {int} and (not value or 0 <= min(value) <= max(value) < 2**63):
        return value
    raise BadRow(f"{key} must be a list of token ids (integers from 0)")


CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "response": _response, "correct": _correct, "reward": _reward, "question": _question, "answer": _answer,
    "id": _identifier, "group_id": _identifier, "step": _step, "model": _text, "source": _text, "token_ids": _token_ids,
}  # fmt: skip


def is_number(value: Any) -> bool:
    """Says whether a value is a number; true and false are none."""
    return type(value) is float or type(value) is int


def shown_value(value: Any) -> str:
    """Returns a value as an error shows it: a number as it is, a text with its beginning, else what it is."""
    if is_number(value):
        return str(value)[:20]
    return f"a string ({value[:20]!r})" if type(value) is str else kind_of(value)


def kind_of(value: Any) -> str:
    """Returns what a value is, in words."""
    names = {
        bool: "true/false",
        int: "an integer",
        float: "a number",
        str: "a string",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)
