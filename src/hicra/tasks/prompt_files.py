"""Rows of prompt files, from one trainer's form to another's: verl's, TRL's and hicra's own.

    hicra   question, answer, id, system
    trl     prompt (messages), answer, id
    verl    data_source, prompt (messages), ability, reward_model {style, ground_truth}, extra_info {index, split, id}

What a form needs for its own sake is made up, and told below; what none of them has a place for is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from hicra.errors import DataError, did_you_mean

Form = Literal["hicra", "trl", "verl"]
ANSWERS = ("answer", "solution", "ground_truth", "gold")


def converted(
    row: Mapping[str, Any], to: Form, index: int = 0, *, source: str = "hicra", split: str = "train"
) -> dict[str, Any]:
    """Returns the row in another form, or in the same one brought to the keys above.

    Args:
        row: a row of any of the three, recognised by its keys. A prompt of TRL may be a text, which is then what the user says.
        to: the form.
        index: the number of the row in its file, which verl wants.
        source: verl's `data_source`, by which it chooses a reward function, where the row has none.
        split: verl's `split`, where the row has none.

    Raises:
        DataError: the row is of no known form, a key that the form needs is missing, or the prompt is a conversation of several
            turns and `to` is hicra, whose questions are one text.

    >>> row = converted({"question": "2 + 3?", "answer": "5"}, "verl", index=7)
    >>> row["prompt"], row["reward_model"]["ground_truth"], row["extra_info"]["index"]
    ([{'role': 'user', 'content': '2 + 3?'}], '5', 7)
    >>> converted(row, "hicra")
    {'question': '2 + 3?', 'answer': '5'}
    """
    if to not in ("hicra", "trl", "verl"):
        raise DataError(f"no form {to!r} of prompts", did_you_mean(str(to), ("hicra", "trl", "verl")))
    messages, answer, name, extra = _read(row)
    named = {} if name is None else {"id": name}
    if to == "trl":
        return {"prompt": messages, "answer": answer, **named}
    if to == "verl":
        return {
            "data_source": row.get("data_source", source), "prompt": messages, "ability": row.get("ability", "math"),
            "reward_model": {"style": "rule", "ground_truth": answer},
            "extra_info": {"index": index, "split": split, **extra, **named},
        }  # fmt: skip
    system = [one["content"] for one in messages if one["role"] == "system"]
    asked = [one["content"] for one in messages if one["role"] != "system"]
    if len(asked) != 1 or messages[-1]["role"] != "user" or len(system) > 1:
        roles = ", ".join(one["role"] for one in messages)
        raise DataError(
            f"a prompt of the messages {roles} is no single question",
            "train on it with TRL or verl, which take messages",
        )
    return {"question": asked[0], "answer": answer, **named, **({"system": system[0]} if system else {})}


def _read(row: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Any, Any, dict[str, Any]]:
    """Returns (messages, answer, id or None, extra_info) of a row of any form."""
    extra = dict(row.get("extra_info") or {})
    if "reward_model" in row:
        judge = row["reward_model"]
        if not isinstance(judge, Mapping) or judge.get("ground_truth") is None:
            raise DataError("reward_model holds no ground_truth", "give each row of verl the right answer")
        answer = judge["ground_truth"]
    else:
        found = next((key for key in ANSWERS if row.get(key) is not None), None)
        if found is None:
            raise DataError(
                f"a row with {', '.join(row) or 'no key'} has no answer",
                f"name the answer's column {' or '.join(ANSWERS)}",
            )
        answer = row[found]
    asked = row.get("prompt", row.get("question"))
    if isinstance(asked, str) and asked.strip():
        system = [{"role": "system", "content": row["system"]}] if row.get("system") else []
        messages = [*system, {"role": "user", "content": asked}]
    elif (
        isinstance(asked, list)
        and asked
        and all(isinstance(one, Mapping) and {"role", "content"} <= {*one} for one in asked)
    ):
        messages = [dict(one) for one in asked]
    else:
        raise DataError(
            f"a row with {', '.join(row)} has no prompt",
            "give `question`, a text, or `prompt`, a text or messages of role and content",
        )
    return messages, answer, row.get("id", extra.pop("id", None)), extra
