"""What a verdict is: a rule fixed in advance, and what the results say by it.

The rules stand beside their functions in hypotheses.py and claims.py; RULES.md is written from them, and the registration
names it. Three answers are possible. An interval that reaches both sides of the line that the rule draws gives "cannot be told".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from contrasts import LEVEL, Estimate
from results import Results

from hicra.drawing.readable import counted, decimal

HOLDS, NOT, OPEN = "holds", "does not hold", "cannot be told"
NOT_RUN = "not run"


@dataclass(frozen=True)
class Verdict:
    """The answer to one claim.

    Attributes:
        answer: HOLDS, NOT or OPEN.
        sentence: one plain sentence with the figures.
        estimates: what it rests on.
    """

    answer: str
    sentence: str
    estimates: tuple[Estimate, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "answer": self.answer,
            "sentence": self.sentence,
            "estimates": [one.as_json() for one in self.estimates],
        }


@dataclass(frozen=True)
class Rule:
    """A claim, the rule that judges it, and the function that applies the rule.

    Attributes:
        key: its short name, "C1" or "a, strong".
        claim: the claim, in this project's words.
        rule: the rule in words, as the registration prints it.
        judge: from results to the verdict.
    """

    key: str
    claim: str
    rule: str
    judge: Callable[[Results], Verdict] = field(compare=False)


def not_run(what: str) -> Verdict:
    """The verdict where the runs are missing."""
    return Verdict(OPEN, f"{NOT_RUN} ({what}).")


def untold(one: Estimate | None, what: str) -> Verdict:
    """The verdict without an interval: nothing was run, or too little."""
    if one is None:
        return not_run(what)
    lacks = f"{counted(one.n, 'pair')} from {counted(one.warm_starts, 'warm start')} have no interval"
    return Verdict(OPEN, f"{_capital(what)}: {lacks}.", (replace(one, name=what),))


def above(one: Estimate | None, margin: float, what: str) -> Verdict:
    """Judges "it is above 0": holds if the interval lies above 0, not if it lies below the margin, else open.

    A primary contrast has Holm's p, and holds only where that is below .05 too.
    """
    if one is None or one.low is None or one.high is None:
        return untold(one, what)
    sure = one.p_holm is None or one.p_holm < LEVEL
    answer = HOLDS if one.low > 0 and sure else NOT if one.high < margin else OPEN
    return judged(answer, one, what)


def same(one: Estimate | None, margin: float, what: str) -> Verdict:
    """Judges "it is no more than the margin away from 0": holds if the interval lies inside, not if outside, else open."""
    if one is None or one.low is None or one.high is None:
        return untold(one, what)
    inside, outside = -margin < one.low and one.high < margin, one.low > margin or one.high < -margin
    return judged(HOLDS if inside else NOT if outside else OPEN, one, what)


def all_of(parts: Sequence[Verdict]) -> Verdict:
    """Joins verdicts: holds if all hold, does not if any does not, else open."""
    answers = {part.answer for part in parts}
    answer = NOT if NOT in answers else OPEN if OPEN in answers else HOLDS
    return Verdict(
        answer, " ".join(part.sentence for part in parts), tuple(one for part in parts for one in part.estimates)
    )


def judged(answer: str, one: Estimate, what: str) -> Verdict:
    """The verdict that rests on one estimate, which is called by its words in the table of all estimates too."""
    return Verdict(answer, sentence(one, what), (replace(one, name=what),))


def _capital(what: str) -> str:
    return what[0].upper() + what[1:]


def sentence(one: Estimate, what: str) -> str:
    """Says an estimate with its interval, number of pairs and smallest difference that could have been seen."""
    assert one.estimate is not None, one.name
    assert one.low is not None, one.name
    assert one.high is not None, one.name
    held = f"; {one.left_out} left out" if one.left_out else ""
    seen = "" if one.smallest is None else f"; {decimal(one.smallest, 3)} could have been seen"
    return (
        f"{_capital(what)}: {decimal(one.estimate, 3, sign=True)} "
        f"({decimal(one.low, 3, sign=True)} to {decimal(one.high, 3, sign=True)}; n = {one.n}{held}{seen})."
    )
