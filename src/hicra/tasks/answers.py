"""Final answers of short maths: found in free text, read as exact numbers, compared without evaluating anything.

An answer is the last complete, non-empty `\\boxed{...}`; mode "boxed_or_last_number" falls back on the last number in
the text. Two answers are equal when their normalised texts are, or when both read as the same rational number. No code
is run and no algebra is done, so `2+2` is not `4` and `0.33` is not `1/3`.

Every step is linear in a capped input: the last 65,536 characters of a response, numbers of at most 400 characters and
exponents of at most 400.

Deviations (the paper does not say how answers are found):
    D1  the fallback on the last number, as a named mode: small models rarely write a box.
    D2  `$` and `%` are dropped on both sides, so `50%` equals `50` and not `0.5`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.tasks.base import Score

AnswerMode = Literal["boxed", "boxed_or_last_number"]
Verdict = Literal["correct", "wrong", "no_answer"]
MAX_TAIL = 65_536
MAX_NUMBER = 400
MAX_EXPONENT = 400

_BOX = re.compile(r"\\boxed\s{0,8}\{|\\.|[{}]", re.DOTALL)
_INTEGER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)"
_DECIMAL = rf"(?:{_INTEGER}(?:\.[0-9]+)?|\.[0-9]+)"
_FRAC = r"\\[dt]?frac\{([-+]?[0-9]+)\}\{([0-9]+)\}"
# a sign counts only where it cannot be the minus of a subtraction; digits inside a word (x2, SmolLM2) are no number
_LAST_NUMBER = re.compile(
    rf"(?<![A-Za-z0-9_])(?:(?<![)\]}}])[-+])?(?:{_FRAC}|{_DECIMAL}(?:[eE][-+]?[0-9]+)?(?: ?/ ?[0-9]+)?)"
)
_READ_FRAC = re.compile(rf"([-+]?) ?{_FRAC}")
_READ_DECIMAL = re.compile(rf"([-+]?) ?({_DECIMAL})(?:[eE]([-+]?[0-9]+))?(?: ?/ ?([0-9]+))?")
_THIN = re.compile(r"\\[,;:! ]|~|\\left(?![A-Za-z])|\\right(?![A-Za-z])|\\?[$%]|[\u2009\u202f]")
_TEXT = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\{([^{}]*)\}")


@dataclass(frozen=True)
class Checked:
    """What was found and whether it is right; `extracted` is None exactly when `verdict` is "no_answer"."""

    verdict: Verdict
    extracted: str | None = None
    boxed: bool = False


def last_boxed(text: str) -> str | None:
    """Content of the last complete `\\boxed{...}` that is not blank, or None; of nested boxes the inner one."""
    open_braces: list[tuple[bool, int]] = []  # (is a box, where its content starts)
    best_start, best = -1, None
    for match in _BOX.finditer(text):
        if match[0].startswith("\\boxed"):
            open_braces.append((True, match.end()))
        elif match[0] == "{":
            open_braces.append((False, match.end()))
        elif match[0] == "}" and open_braces:
            is_box, start = open_braces.pop()
            if is_box and start > best_start and normalise(text[start : match.start()]):
                best_start, best = start, text[start : match.start()].strip()
    return best


def last_number(text: str) -> str | None:
    """The last number written in the text (integer, decimal, a/b or \\frac{a}{b}), or None."""
    last = None
    for match in _LAST_NUMBER.finditer(text.replace("\u2212", "-")):
        last = match[0]
    return last


def normalise(text: str) -> str:
    """Text without dollar and percent signs, thin spaces, text commands, doubled blanks and punctuation at its end."""
    text = _TEXT.sub(r"\1", _THIN.sub("", text.replace("\u2212", "-").replace("{,}", ",")))
    return " ".join(text.split()).strip().rstrip(".,;:! ").strip()


def number(text: str) -> Fraction | None:
    """The exact value of a text that is one number, or None: no number, past the caps, or divided by zero."""
    text = normalise(text)
    if len(text) > MAX_NUMBER:
        return None
    if match := _READ_FRAC.fullmatch(text):
        sign, top, bottom = match.groups()
        return Fraction(int(top), int(bottom)) * (-1 if sign == "-" else 1) if int(bottom) else None
    if match := _READ_DECIMAL.fullmatch(text):
        sign, digits, exponent, bottom = match.groups()
        if exponent and (len(exponent) > 5 or abs(int(exponent)) > MAX_EXPONENT):
            return None
        if bottom and not int(bottom):
            return None
        value = Fraction(digits.replace(",", "")) * Fraction(10) ** int(exponent or 0) / int(bottom or 1)
        return -value if sign == "-" else value
    return None


def same(first: str, second: str) -> bool:
    """Whether two answers are equal: as normalised text, else as exact numbers."""
    if normalise(first) == normalise(second):
        return True
    value = number(first)
    return value is not None and value == number(second)


def refuse_unknown(task: str, unknown: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raises ConfigError for a setting that a task does not have, with the nearest one that it has."""
    for key in unknown:
        raise ConfigError(f"task.settings.{key}: {task} has no such setting", did_you_mean(key, known))


def check_mode(mode: str, key: str) -> None:
    """Refuses an unknown answer mode; `key` is the setting to name in the message."""
    if mode not in get_args(AnswerMode):
        raise ConfigError(f"{key}: no answer mode {mode!r}", did_you_mean(str(mode), get_args(AnswerMode)))


def check(response: str, gold: str, mode: AnswerMode = "boxed") -> Checked:
    """Finds the answer in a response and compares it with the gold one.

    Args:
        response: the model's text, without special tokens; of a longer one the last 65,536 characters are read.
        gold: the right answer, bare (no box).
        mode: "boxed" takes a box only; "boxed_or_last_number" falls back on the last number.

    Raises:
        DataError: the gold answer is blank.
        ConfigError: unknown mode.
    """
    check_mode(mode, "answer_mode")
    if not normalise(gold):
        raise DataError(f"gold answer {gold!r} is blank", "give every row an answer, or leave the row out")
    tail = response[-MAX_TAIL:]
    found, boxed = last_boxed(tail), True
    if found is None and mode == "boxed_or_last_number":
        found, boxed = last_number(tail), False
    if found is None:
        return Checked("no_answer")
    return Checked("correct" if same(found, gold) else "wrong", found, boxed)


def score(response: str, row: Mapping[str, Any], mode: AnswerMode) -> Score:
    """Reward 1 for the right answer of `row["answer"]`, 0 for a wrong one or none. Raises as `check` does."""
    checked = check(response, row["answer"], mode)
    right = checked.verdict == "correct"
    return Score(reward=float(right), correct=right, extracted=checked.extracted)


def summary(responses: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Shares of responses, whatever mode pays: with a box, right in the box, right in the box or else by number."""
    if not responses:
        return {}
    found = [check(text, row["answer"], "boxed_or_last_number") for text, row in zip(responses, rows, strict=True)]
    right = [one.verdict == "correct" for one in found]
    return {
        "boxed_share": sum(one.boxed for one in found) / len(found),
        "right_boxed_share": sum(ok and one.boxed for ok, one in zip(right, found, strict=True)) / len(found),
        "right_share": sum(right) / len(found),
    }


class ByAnswer:
    """What tasks share whose responses are judged by their final answer alone."""

    _mode: AnswerMode

    def score(self, response: str, row: Mapping[str, Any], ended: bool) -> Score:
        """Exact answer, 1 or 0; whether the response ended does not matter."""
        return score(response, row, self._mode)

    def labels(self, response: str, row: Mapping[str, Any], ended: bool) -> list[str] | None:
        """None: which words plan is not known here."""
        return None

    def summary(
        self, responses: Sequence[str], rows: Sequence[Mapping[str, Any]], ended: Sequence[bool]
    ) -> dict[str, float]:
        """`boxed_share`, `right_boxed_share`, `right_share`, all over responses."""
        return summary(responses, rows)
