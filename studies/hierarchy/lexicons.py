"""The lexicons of the study: exact, incomplete, imprecise, and mined."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from hicra.lexicon import Lexicon
from hicra.tasks.plan_execute.language import BODIES, NUMBERS, OPENERS, OPERATOR_WORDS
from hicra.tasks.plan_execute.task import PlanExecute

MISSED = (4, 5)  # the strategies whose plans `two_missing` leaves out


def exact() -> list[str]:
    """Every plan and every reflection of the task."""
    return PlanExecute().phrases


def kept(share: float) -> Callable[[int], list[str]]:
    """A random share of all phrases, another one for each seed."""

    def chosen(seed: int) -> list[str]:
        phrases = exact()
        return sorted(Random(f"{share} {seed}").sample(phrases, round(share * len(phrases))))

    return chosen


def two_missing(seed: int) -> list[str]:
    """All phrases but the plans of two of the six strategies."""
    left_out = {f"{opener} {body}" for strategy in MISSED for body in BODIES[strategy] for opener in OPENERS}
    return [phrase for phrase in exact() if phrase not in left_out]


def precision50(seed: int) -> list[str]:
    """All phrases, and about as many tokens of execution: the second half of each left side of an equation."""
    execution = [f"{sign} {number} =" for sign in OPERATOR_WORDS for number in NUMBERS]
    return sorted([*exact(), *execution])


BY_NAME: dict[str, Callable[[int], list[str]]] = {
    "exact": lambda seed: exact(),
    "recall25": kept(0.25),
    "recall50": kept(0.50),
    "recall75": kept(0.75),
    "grams70": kept(0.70),
    "two_missing": two_missing,
    "precision50": precision50,
}


def load(name: str, seed: int, warm_start: Path) -> Lexicon:
    """Returns a lexicon of the study; the mined one was mined from the correct rollouts of that warm start (`warm.py`)."""
    if name == "mined":
        return Lexicon.load(warm_start.with_name(f"{warm_start.name}-lexicon"))
    return Lexicon.from_phrases(BY_NAME[name](seed))
