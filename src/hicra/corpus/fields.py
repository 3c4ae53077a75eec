"""Turns one input row of any engine into the canonical fields.

They are response, correct, reward, question, answer, id, group_id, step, model, source and token_ids; every other key is
an extra and stays. `formats/` has one file for each program whose rows are read.

Deviations (the contract names the fields, not these cases):
READ-1. Where `correct` is absent and there is a reward, `correct` is reward >= 0.5. (TRL takes the one reward column whose name
    holds "accuracy" or "correct", where there is exactly one; verl takes `acc` where it is logged.) An explicit null stays null.
READ-2. A TRL dump names neither its reward functions nor their weights, so the reward columns are its float columns except
    `advantage`, and `reward` is their sum, as TRL's default weights make it. NaN means "not scored" in TRL, so it becomes null.
READ-3. Of several texts, the response is the first of solution, response, completion and messages that is not null.
READ-4. `answer` may be a number or a list; it is kept as its JSON text. Where there is no `question`, `prompt` is taken; of a
    prompt of messages, the last user message is.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable
from typing import Any

from hicra.corpus.strict_json import BadRow
from hicra.correctness import CORRECT_AT

CANONICAL = (
    "response", "correct", "reward", "question", "answer", "id", "group_id", "step", "model", "source", "token_ids",
)  # fmt: skip
TEXTS = ("solution", "response", "completion", "messages")
PASS_MARK = CORRECT_AT

Normal = tuple[dict[str, Any], dict[str, str]]  # canonical values; canonical name -> where it came from


def finish(row: dict[str, Any], taken: dict[str, str], derived: dict[str, Any]) -> Normal:
    """Returns the canonical values of a row, each checked.

    Args:
        row: the row as it was read.
        taken: canonical name -> the key whose value it takes.
        derived: canonical name -> (value, the rule it was derived by).

    Raises:
        BadRow: a value that its field does not allow.
    """
    values = {field: CHECKS[field](row[key], key) for field, key in taken.items() if row[key] is not None}
    for field, (value, name) in derived.items():
        values[field], taken[field] = value, name
    if "correct" not in taken and values.get("reward") is not None:
        values["correct"], taken["correct"] = values["reward"] >= PASS_MARK, f"{taken['reward']} >= {PASS_MARK}"
    return values, taken


# ---- the checks of single fields: (value that is not null, input key) -> canonical value
def _text(value: Any, key: str) -> str:
    if type(value) is str:
        return value
    raise BadRow(f"{key} must be a string, not {_kind(value)}")


def _response(value: Any, key: str) -> str:
    return value if type(value) is str else _last_message(value, key, "assistant")


def _question(value: Any, key: str) -> str:
    return value if type(value) is str else _last_message(value, key, "user")


def _last_message(value: Any, key: str, role: str) -> str:
    """Returns the text of the last message of `role`; its content is a string or a list of typed parts."""
    if type(value) is not list:
        raise BadRow(f"{key} must be a string or a list of messages, not {_kind(value)}")
    for message in reversed(value):
        if type(message) is not dict or type(message.get("role")) is not str:
            raise BadRow(f"{key} holds a message without a role")
        content = message.get("content")
        if message["role"] != role or content is None:
            continue
        if type(content) is list and all(type(part) is dict for part in content):
            content = "".join(part["text"] for part in content if type(part.get("text")) is str)
        return _text(content, f"the content of a message in {key}")
    raise BadRow(f"{key} holds no {role} message with text")


def _correct(value: Any, key: str) -> bool:
    if type(value) is bool:
        return value
    raise BadRow(f"{key} must be true, false or null, not {_kind(value)}")


def _reward(value: Any, key: str) -> float:
    if not is_number(value):
        raise BadRow(f"{key} must be a number, not {_kind(value)}")
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
    raise BadRow(f"{key} must be a string or an integer, not {_kind(value)}")


def _step(value: Any, key: str) -> int:
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is int and abs(value) < 2**63:
        return value
    raise BadRow(f"{key} must be an integer, not {_kind(value)}")


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


def is_nan(value: Any) -> bool:
    """Says whether a value is a NaN."""
    return type(value) is float and math.isnan(value)


def _kind(value: Any) -> str:
    names = {
        bool: "true/false",
        int: "an integer",
        float: "a number",
        str: "a string",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)


def no_text(row: dict[str, Any]) -> str:
    """Returns what to say of a row without a response, with the key that is closest to one of `TEXTS`."""
    found = [key for key in row if key not in TEXTS]
    close = [
        (key, match) for key in found if (match := difflib.get_close_matches(key.lower(), TEXTS, n=1, cutoff=0.75))
    ]
    hint = f"; {close[0][0]!r} is close to {close[0][1][0]!r}" if close else ""
    names = ", ".join(map(repr, list(row)[:20])) or "none"
    return f"no text: solution, response, completion and messages are absent or null (columns found: {names}{hint})"
