"""Reads a response: its attempts, its equations, the function of every word, and whether it earns the reward.

As the specification says, the operators need not agree with the announced plan.

Deviations (from the specification of the task):
PLAN-5. An attempt begins with a plan, so a response that announces no plan has no attempt and earns nothing.
PLAN-6. Between the last attempt's equations and `answer t` only reflection words are allowed.
PLAN-7. A response that is longer than the longest allowed one, or holds more equations than the attempts allow, earns nothing, so
    that neither unannounced attempts nor filler words help.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hicra.tasks.plan_execute.language import (
    EXECUTION_TOKENS,
    FUNCTION_OF,
    NUMBERS,
    OPERATOR_WORDS,
    PLAN_TOKENS,
    PLANNING_WORDS,
    REFLECT_WORDS,
    Language,
    max_new_tokens,
)
from hicra.tasks.plan_execute.problems import OPERATORS, calculate

_REFLECT = frozenset(REFLECT_WORDS)
_NUMBERS = frozenset(NUMBERS)


@dataclass(frozen=True)
class Equation:
    """One equation as written, without its closing `;`.

    Attributes:
        words: its words; five if it is well formed: left, operator, right, =, result.
        right: whether it is well formed and true modulo 20.
    """

    words: tuple[str, ...]
    right: bool

    @property
    def operator(self) -> str | None:
        """The operator, or None if the equation is not well formed."""
        return self.words[1] if well_formed(self.words) else None


@dataclass(frozen=True)
class Attempt:
    """A plan and what follows it up to the next plan.

    Attributes:
        strategy: the strategy announced, 0 to 5.
        form: number of the plan form announced, 0 to 53 with three paraphrases.
        start: position of the plan's first word.
        equations: the equations of the attempt, in order.
    """

    strategy: int
    form: int
    start: int
    equations: tuple[Equation, ...]

    @property
    def executed(self) -> tuple[str, str] | None:
        """The operators of the first two equations, or None unless both are well formed."""
        if len(self.equations) < 2:
            return None
        first, second = self.equations[0].operator, self.equations[1].operator
        return None if first is None or second is None else (first, second)

    @property
    def consistent(self) -> bool:
        """Whether the executed operators are those of the announced strategy."""
        return self.executed == OPERATORS[self.strategy]


@dataclass(frozen=True)
class Parsed:
    """A parsed response.

    Attributes:
        words: its words.
        attempts: its attempts, in order.
        equations: all equations, including those before the first plan.
        answer: the word after `answer` at the end, or None if the response does not end so.
    """

    words: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    equations: tuple[Equation, ...]
    answer: str | None


def well_formed(words: Sequence[str]) -> bool:
    """Tells whether these are the words of an equation: number, operator, number, =, number."""
    return (
        len(words) == 5
        and words[0] in _NUMBERS
        and words[1] in OPERATOR_WORDS
        and words[2] in _NUMBERS
        and words[3] == "="
        and words[4] in _NUMBERS
    )


def is_true(words: Sequence[str]) -> bool:
    """Tells whether these words are a well-formed equation that is true modulo 20."""
    return well_formed(words) and bool(calculate(int(words[0]), words[1], int(words[2])) == int(words[4]))


def functions(words: Sequence[str]) -> list[str]:
    """Returns the function of each word: "plan", "reflect", "execute", "format" (`answer` and the word after it) or "other"."""
    found = [FUNCTION_OF.get(word, "other") for word in words]
    return ["format" if at and words[at - 1] == "answer" else function for at, function in enumerate(found)]


def planning_mask(words: Sequence[str]) -> list[bool]:
    """Returns the exact planning mask of a response, one value per word (= token): true on plan and reflection words.

    The word after `answer` always has the function "format".
    """
    return [word in PLANNING_WORDS and not (at and words[at - 1] == "answer") for at, word in enumerate(words)]


def _equations(words: Sequence[str], kinds: Sequence[str], start: int, stop: int, cut_off: bool) -> Iterator[Equation]:
    """Yields the equations, which are the execution words up to each `;`.

    One without `;` counts and is wrong, unless the response is cut off there.
    """
    piece: list[str] = []
    for at in range(start, stop):
        if kinds[at] == "execute" and words[at] != ";":
            piece.append(words[at])
        elif piece:
            yield Equation(tuple(piece), words[at] == ";" and is_true(piece))
            piece = []
    if piece and not cut_off:
        yield Equation(tuple(piece), False)


def parse(response: str, language: Language) -> Parsed:
    """Parses a response (its text without special tokens); any text is allowed."""
    words = tuple(response.split())
    kinds = functions(words)
    starts = [at for at in range(len(words) - PLAN_TOKENS + 1) if words[at : at + PLAN_TOKENS] in language.plans]
    attempts = []
    before = list(_equations(words, kinds, 0, starts[0] if starts else len(words), not starts))
    for at, stop in zip(starts, (*starts[1:], len(words)), strict=False):
        strategy, form = language.plans[words[at : at + PLAN_TOKENS]]
        found = tuple(_equations(words, kinds, at + PLAN_TOKENS, stop, stop == len(words)))
        attempts.append(Attempt(strategy, form, at, found))
    equations = (*before, *(equation for attempt in attempts for equation in attempt.equations))
    answer = words[-1] if len(words) >= 2 and words[-2] == "answer" else None
    return Parsed(words, tuple(attempts), equations, answer)


def last_lines(parsed: Parsed, attempts: int) -> tuple[tuple[str, ...], ...] | None:
    """Returns the words of the last attempt's first equation, second equation and check, without their `;`.

    It is None if the response is not laid out as the task asks: an answer at the end, one to `attempts` plans, three lines that
    each end with `;` behind the last one, nothing but reflection after them, and not too long. The lines may be no equations.
    """
    words = parsed.words
    if parsed.answer is None or len(words) + 1 > max_new_tokens(attempts):
        return None
    if not 1 <= len(parsed.attempts) <= attempts or len(parsed.equations) > 3 * attempts:
        return None
    body = words[parsed.attempts[-1].start + PLAN_TOKENS : -2]
    lines, rest = body[:EXECUTION_TOKENS], body[EXECUTION_TOKENS:]
    if len(lines) < EXECUTION_TOKENS or any(lines[at] != ";" for at in (5, 11, 17)) or not _REFLECT.issuperset(rest):
        return None
    return lines[0:5], lines[6:11], lines[12:17]


def pays(parsed: Parsed, a: int, b: int, c: int, goal: int, attempts: int, ended: bool) -> bool:
    """Tells whether the response earns reward 1, that is, ends with `answer t` after exactly three true equations.

    The equations of the last attempt must be `a o1 b = x ;`, `x o2 c = t ;` and the check `t - t = 0 ;`.
    """
    lines = last_lines(parsed, attempts)
    if not ended or lines is None or parsed.answer != str(goal):
        return False
    first, second, check = lines
    return (
        all(is_true(line) for line in lines)
        and (first[0], first[2]) == (str(a), str(b))
        and (second[0], second[2], second[4]) == (first[4], str(c), str(goal))
        and check == (str(goal), "-", str(goal), "=", "0")
    )
