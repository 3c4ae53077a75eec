"""One input row of any engine to the canonical fields.

Canonical: response, correct, reward, question, answer, id, group_id, step, model, source, token_ids; every other key is
an extra and stays. What the engines write:
    TRL 1.16, completions_*.parquet   step, prompt, completion, one float column a reward function, advantage
    verl 0.9, {step}.jsonl            input, output, gts, score, step, and uid (one a prompt, so it is the group)

Deviations (the contract names the fields, not these cases):
D1. `correct` where it is absent and a reward is there: reward >= 0.5. (TRL: of the one reward column whose name holds
    "accuracy" or "correct", where there is exactly one; verl: `acc` where it is logged.) An explicit null stays null.
D2. A TRL dump names neither its reward functions nor their weights: the reward columns are its float columns but for
    `advantage`, and `reward` is their sum, as TRL's default weights make it. NaN is TRL's "not scored", so null.
D3. Of several texts the first of solution, response, completion, messages that is not null is the response.
D4. `answer` may be a number or a list; it is kept as its JSON text. `prompt` stands in for `question`; a prompt of
    messages gives its last user message.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Iterable
from typing import Any

from hicra.corpus.strict_json import BadRow

CANONICAL = (
    "response", "correct", "reward", "question", "answer", "id", "group_id", "step", "model", "source", "token_ids",
)  # fmt: skip
TEXTS = ("solution", "response", "completion", "messages")
PASS_MARK = 0.5

Normal = tuple[dict[str, Any], dict[str, str]]  # canonical values; canonical name -> where it came from


def reader_of(
    keys: Iterable[str], name: str, floats: Iterable[str] = ()
) -> tuple[str, Callable[[dict[str, Any]], Normal]]:
    """The format of a file and the function that reads its rows.

    Args:
        keys: columns of a parquet file, or keys of the first good line of a JSON Lines file.
        name: the file's name; a verl dump is named after its step.
        floats: columns of a parquet file whose type is float; empty for JSON Lines.
    """
    keys, floats = list(keys), set(floats)
    if {"step", "prompt", "completion", "advantage"} <= set(keys) and floats:
        rewards = [key for key in keys if key in floats and key not in ("step", "advantage")]
        return "trl", lambda row: trl_row(row, rewards)
    if {"input", "output", "score"} <= set(keys) and not set(TEXTS) & set(keys):
        stem = name.split(".", 1)[0]
        return "verl", lambda row: verl_row(row, int(stem) if stem.isascii() and stem.isdigit() else None)
    return "plain", plain_row


def plain_row(row: dict[str, Any]) -> Normal:
    """A row of the contract's own names."""
    taken: dict[str, str] = {}
    for key in TEXTS:
        if row.get(key) is not None:
            taken["response"] = key
            break
    else:
        raise BadRow(_no_text(row))
    for field in CANONICAL[1:]:
        if field in row:
            taken[field] = field
    if "question" not in row and "prompt" in row:
        taken["question"] = "prompt"
    return _finish(row, taken, {})


def trl_row(row: dict[str, Any], rewards: list[str]) -> Normal:
    """A row of TRL's completions_*.parquet."""
    row = {key: None if key in rewards and _is_nan(value) else value for key, value in row.items()}
    taken = {"response": "completion", "question": "prompt", "step": "step"}
    taken |= {
        field: field
        for field in ("correct", "answer", "id", "group_id", "model", "source", "token_ids")
        if field in row
    }
    scores = [row[key] for key in rewards if row[key] is not None]
    derived: dict[str, Any] = {"reward": (math.fsum(scores) if scores else None, " + ".join(rewards))}
    accuracy = [key for key in rewards if "accuracy" in key.lower() or "correct" in key.lower()]
    if "correct" not in row and len(accuracy) == 1:
        score = row[accuracy[0]]
        derived["correct"] = (None if score is None else score >= PASS_MARK, f"{accuracy[0]} >= {PASS_MARK}")
    return _finish(row, taken, derived)


def verl_row(row: dict[str, Any], step: int | None) -> Normal:
    """A row of verl's {step}.jsonl; `step` is the one of the file's name, for rows without."""
    taken = {
        "response": "output",
        "question": "input",
        "answer": "gts",
        "reward": "score",
        "group_id": "uid",
        "step": "step",
    }
    taken = {field: key for field, key in taken.items() if key in row}
    taken |= {field: field for field in ("id", "model", "source", "token_ids", "correct") if field in row}
    if row.get("output") is None:
        raise BadRow(_no_text(row))
    derived: dict[str, Any] = {}
    if "step" not in row and step is not None:
        derived["step"] = (step, "the file's name")
    if "correct" not in row and (_is_number(row.get("acc")) or type(row.get("acc")) is bool):
        derived["correct"] = (row["acc"] >= PASS_MARK, f"acc >= {PASS_MARK}")
    return _finish(row, taken, derived)


def _finish(row: dict[str, Any], taken: dict[str, str], derived: dict[str, Any]) -> Normal:
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
    """The text of the last message of `role`; its content is a string or a list of typed parts."""
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
    if not _is_number(value):
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


def _is_number(value: Any) -> bool:
    return type(value) is float or type(value) is int


def _is_nan(value: Any) -> bool:
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


def _no_text(row: dict[str, Any]) -> str:
    found = [key for key in row if key not in TEXTS]
    close = [
        (key, match) for key in found if (match := difflib.get_close_matches(key.lower(), TEXTS, n=1, cutoff=0.75))
    ]
    hint = f"; {close[0][0]!r} is close to {close[0][1][0]!r}" if close else ""
    names = ", ".join(map(repr, list(row)[:20])) or "none"
    return f"no text: solution, response, completion and messages are absent or null (columns found: {names}{hint})"
