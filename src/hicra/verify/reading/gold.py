"""Gold answers, with what they require of the comparison.

Deviation:
    VERIFY-16. If the gold answer cannot be an answer, the verdict is `bad_gold` whatever the completion says: nothing but blanks
         and punctuation, unbalanced brackets, an operator without its operand, an empty fraction or root, or more than 1,000,000
         characters.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from hicra.errors import DataError
from hicra.verify.reading.extract import boxed_answer
from hicra.verify.reading.normalise import blank, normalise
from hicra.verify.reading.numbers import number_key

MAX_GOLD = 1_000_000
MAX_CHECKED = 65_536  # characters; a longer gold answer is compared only as text
_BRACKETS = re.compile(r"\\(?:[A-Za-z]+|.)|[(){}\[\]]", re.DOTALL)
_DANGLING = re.compile(r"(?:[-+*/^_=<>\\]|\\(?:times|cdot|div|frac|sqrt|binom|le|ge|ne|cup|cap|pm|in|left))\Z")
_SIGNED = re.compile(r"[\^_] ?(?:[-+*]|\{ ?[-+*] ?\})\Z")  # as in x^* and \mathbb{R}^+
_LEADING = re.compile(r"[*/^_]|\\(?:times|cdot|div|cup|cap)(?![A-Za-z])")
_EMPTY = re.compile(r"\\(?:frac|sqrt|binom) ?(?:\{[^{}]*\} ?)?\{ ?\}")
_CONTENT = re.compile(r"[^\W_]|\\(?:infty|emptyset|[a-zA-Z]+)|\\\{ ?\\\}|√")
_NO_CONTENT = re.compile(r"\\(?:frac|sqrt|binom|left|right|text|begin|end|cdot|times|div|pm|boxed|quad)(?![A-Za-z])")


@dataclass(frozen=True)
class Gold:
    """A gold answer.

    Args:
        answers: the right answer; if there are several, all of them must be given, in any order.
        tolerance: the largest absolute difference of a number that still counts (OlympiadBench: `error`); None asks for
            equality.
        multiple: whether the one text holds several answers separated by commas (OlympiadBench: `is_multiple_answer`).
    """

    answers: tuple[str, ...]
    tolerance: Fraction | None = None
    multiple: bool = False

    @property
    def bad(self) -> bool:
        """Whether it cannot be an answer (VERIFY-16)."""
        return not self.answers or any(bad_text(answer) for answer in self.answers)


def gold_of(value: Any, options: Mapping[str, Any] | None = None) -> Gold:
    """Makes a gold answer from a text, a number, a list of them, or a `Gold`.

    Args:
        value: the answer; None and "" give a bad gold answer, which earns no reward. Of a text with a box, the box is the answer.
            A number is Python's or numpy's.
        options: the keys `error` (number, text of a number, list of them, or None) and `is_multiple_answer` (bool); other
            keys are ignored.

    Raises:
        DataError: the value has another type, or `error` is no number of at least 0.
    """
    if isinstance(value, Gold):
        return replace(value, answers=tuple(map(boxed_answer, value.answers)))
    value = _plain(value)
    answers = [value] if value is None or isinstance(value, str | int | float) else value
    if not isinstance(answers, Iterable) or isinstance(answers, Mapping | bytes):
        raise DataError(f"a gold of type {type(value).__name__}", "give a string, a number or a list of strings")
    texts = tuple(boxed_answer(_text(_plain(answer))) for answer in answers)
    if not options:
        return Gold(texts)
    multiple = options.get("is_multiple_answer") or False
    if not isinstance(multiple, bool):
        raise DataError(f"is_multiple_answer is {multiple!r}", "give true or false")
    return Gold(texts, _tolerance(options.get("error")), multiple)


def _plain(value: Any) -> Any:
    """Returns a number of numpy as Python's own, as it is written: 0.1 of 32 bits is 0.1. Anything else stays as it is."""
    if type(value).__module__ != "numpy" or getattr(value, "ndim", None) != 0:  # verify runs without numpy
        return value
    return float(str(value)) if value.dtype.kind == "f" else value.item()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DataError(f"a gold answer of type {type(value).__name__}", "give a string or a number")
    if isinstance(value, float):
        return (
            (repr(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value))
            if math.isfinite(value)
            else ""
        )
    return value if isinstance(value, str) else _digits(value)


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python limits the digits of an integer
        raise DataError("a gold answer is an integer of more than 4,300 digits", "write it as a string") from None


def _tolerance(error: Any) -> Fraction | None:
    if error is None or error == "":
        return None
    if isinstance(error, list | tuple):
        parts = [_tolerance(part) for part in error]
        known = [part for part in parts if part is not None]
        return min(known) if known else None
    text = str(error).strip()
    key = number_key(text) if not isinstance(error, bool) else None
    if key is None or key.negative or len(key.digits) > 30 or abs(key.power) > 300:
        raise DataError(f"error {text[:40]!r} is no tolerance", "give a number of at least 0, for example 1e-2")
    return Fraction(text)


@functools.lru_cache(maxsize=8192)
def bad_text(text: str) -> bool:
    """Tells whether a text cannot be an answer (VERIFY-16)."""
    if len(text) > MAX_GOLD or blank(text):
        return True
    if text.isalnum() or len(text) > MAX_CHECKED:
        return False
    plain = normalise(text)
    if blank(plain) or not _CONTENT.search(_NO_CONTENT.sub("", plain)):
        return True
    depth = dict.fromkeys("({", 0)
    for match in _BRACKETS.finditer(plain):
        piece = match[0]
        if piece in "{}":
            depth["{"] += 1 if piece == "{" else -1
        elif piece in "()[]":
            depth["("] += 1 if piece in "([" else -1
        if depth["{"] < 0:
            return True
    unbalanced = depth["{"] != 0 or (depth["("] != 0 and plain[:1] not in "])")
    plain = _SIGNED.sub("", plain)
    return unbalanced or bool(_DANGLING.search(plain) or _LEADING.match(plain) or _EMPTY.search(plain))
