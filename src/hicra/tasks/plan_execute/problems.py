"""The problems of the plan-execute task: arithmetic modulo 20, six strategies, generation, split, and exact bounds.

A problem is a noun and numbers a, b, c; its goal is the result of the right strategy. It is kept only if exactly one of the six
strategies reaches that goal, so that the noun alone tells which plan to take.

Deviations (what the specification of the task leaves open):
PLAN-1. The hash of the split is splitmix64 of the problem's code; 10 % of the range of hashes is for evaluation.
PLAN-2. In the rule with two features, the noun counts as `index mod 3`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from hicra.arrays import Bools, Hashes, Ints
from hicra.tasks.plan_execute.settings import STRATEGIES, PlanExecuteSettings, StrategyRule

MODULUS = 20
NOUNS = (
    *("coins", "shells", "beads", "stones", "feathers", "buttons", "ribbons", "candles", "marbles", "acorns"),
    *("lanterns", "pebbles", "petals", "corks", "tiles", "spoons", "keys", "bells", "arrows", "masks"),
    *("ropes", "seeds", "cards", "drums"),
)
OPERATORS = (("+", "+"), ("+", "-"), ("-", "+"), ("-", "-"), ("*", "+"), ("*", "-"))
EVAL_SHARE_OF_TEN = 1


def calculate(left: Any, operator: str, right: Any) -> Any:
    """Computes `left operator right` modulo 20, for ints or integer arrays."""
    if operator == "+":
        return (left + right) % MODULUS
    if operator == "-":
        return (left - right) % MODULUS
    if operator == "*":
        return (left * right) % MODULUS
    raise ValueError(f"no operator {operator!r}")


def carry_out(strategy: int, a: Any, b: Any, c: Any) -> Any:
    """Computes the result of a strategy, with its two operations taken from left to right."""
    first, second = OPERATORS[strategy]
    return calculate(calculate(a, first, b), second, c)


def right_strategy(noun_index: Any, a: Any, rule: StrategyRule) -> Any:
    """Returns the strategy that solves the problem, which a policy has to learn; takes ints or integer arrays."""
    if rule == "noun":
        return noun_index % STRATEGIES
    return 2 * (noun_index % 3) + a % 2


def mix(code: Hashes) -> Hashes:
    """Hashes integers with the splitmix64 finaliser, the same on every machine and in every version."""
    with np.errstate(over="ignore"):
        z = code + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


@dataclass(frozen=True)
class Problems:
    """All problems of one number of nouns and one rule, as columns of equal length [P], int64 except for the last two.

    Attributes:
        noun, a, b, c, goal, strategy: index of the noun, numbers in 0..19, index of the right strategy.
        code: uint64, one number per problem; the split and every order are hashes of it.
        is_eval: bool, true for the tenth that is held out.
    """

    noun: Ints
    a: Ints
    b: Ints
    c: Ints
    goal: Ints
    strategy: Ints
    code: Hashes
    is_eval: Bools

    def order(self, split: str, seed: int) -> Ints:
        """Returns the row numbers of a split ("train" or "eval") in the order that `seed` fixes."""
        members = np.flatnonzero(self.is_eval if split == "eval" else ~self.is_eval)
        salt = mix(np.array([seed % 2**63], dtype=np.uint64))[0]
        return members[np.argsort(mix(mix(self.code[members]) ^ salt), kind="stable")]


@lru_cache(maxsize=8)
def all_problems(nouns: int = 12, rule: StrategyRule = "noun") -> Problems:
    """Makes every problem whose goal exactly one strategy reaches (70,784 by default) in about 20 ms; the result is cached."""
    grid = np.indices((nouns, MODULUS, MODULUS, MODULUS), dtype=np.int64).reshape(4, -1)
    noun, a, b, c = grid
    strategy = right_strategy(noun, a, rule)
    results = np.stack([carry_out(s, a, b, c) for s in range(STRATEGIES)])
    goal = results[strategy, np.arange(len(strategy))]
    kept = (results == goal).sum(axis=0) == 1
    noun, a, b, c, goal, strategy = (column[kept] for column in (noun, a, b, c, goal, strategy))
    code = ((((noun * MODULUS + a) * MODULUS + b) * MODULUS + c) * MODULUS + goal).astype(np.uint64)
    return Problems(noun, a, b, c, goal, strategy, code, mix(code) % np.uint64(10) < np.uint64(EVAL_SHARE_OF_TEN))


def bounds(settings: PlanExecuteSettings) -> dict[str, float]:
    """Computes the exact success shares of simple policies over all problems, if execution is perfect.

    Returns:
        uniform_one: one attempt with a plan drawn uniformly: 1/6.
        uniform: all allowed attempts with different plans drawn uniformly: attempts/6.
        fixed_one, fixed: the best plan, or best set of plans, that is the same for every problem; above the uniform draw
            because S4 and S5 are right for more problems.
        perfect: the right plan every time.
    """
    problems = all_problems(settings.nouns, settings.rule)
    shares = np.sort(np.bincount(problems.strategy, minlength=STRATEGIES) / len(problems.strategy))[::-1]
    return {
        "uniform_one": 1 / STRATEGIES,
        "uniform": settings.attempts / STRATEGIES,
        "fixed_one": float(shares[0]),
        "fixed": float(shares[: settings.attempts].sum()),
        "perfect": 1.0,
    }
