"""Multiple choice: the options of a row, how they are shown, and which answers are right."""

from __future__ import annotations

import ast
import string
from collections.abc import Mapping, Sequence
from typing import Any

from hicra.errors import DataError

MAX_CHOICES = 26
MAX_LITERAL = 100_000  # characters of a list written as text


def choices_of(row: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """Reads the options of a row; the list is empty if it has none.

    A list written as text (`"['1', '2']"`, as in one benchmark) is read as a literal and never run.

    Raises:
        DataError: the column holds neither a list of texts nor a list written as text, or there are more than 26 options.
    """
    value: Any = next((row[name] for name in columns if row.get(name) not in (None, "", [])), [])
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value) if len(value) <= MAX_LITERAL else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = None
    if not isinstance(value, list | tuple) or not all(isinstance(one, str | int | float) for one in value):
        raise DataError("the options are no list of texts", "give a list, or null for an open question")
    if len(value) > MAX_CHOICES:
        raise DataError(
            f"the row has {len(value)} options", f"give at most {MAX_CHOICES}, since each option has one letter"
        )
    return [str(one) for one in value]


def listed(choices: Sequence[str]) -> str:
    """Writes the options as lines `(A) ...`, to put after a question."""
    return "".join(f"\n({letter}) {text}" for letter, text in zip(string.ascii_uppercase, choices, strict=False))


def gold_of_choice(answer: str, choices: Sequence[str], letter_first: bool) -> dict[str, Any]:
    """Returns `answer` (the letter) and `also` (the option's text, unless it could mean another letter or option).

    Args:
        answer: the gold answer of the row.
        choices: the options of the row.
        letter_first: whether an answer that is both a letter and an option's text means the letter.

    Raises:
        DataError: the answer is neither a letter nor the text of exactly one option.
    """
    letters = string.ascii_uppercase[: len(choices)]
    bare = answer.strip().strip("().").strip()
    is_letter = len(bare) == 1 and bare in letters
    if choices.count(answer) == 1 and not (letter_first and is_letter):
        index = choices.index(answer)
    elif is_letter:
        index = letters.index(bare)
    else:
        raise DataError(
            f"answer {answer[:40]!r} is neither a letter from A to {letters[-1]} nor exactly one option",
            "correct the row so that its answer is one of its options",
        )
    text = choices[index].strip()
    mistakable = not text or text.upper() in letters or choices.count(choices[index]) > 1
    return {"answer": letters[index], "also": [] if mistakable else [text]}
