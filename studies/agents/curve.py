"""The metric of the study: how many interactions a run needed until it succeeded in the target share of held-out episodes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def interactions_to(target: float, curve: Sequence[tuple[float, float]], budget: float) -> float:
    """Returns the interactions at which a curve first reaches a success, on the line between two evaluations.

    Args:
        target: the success, in [0, 1].
        curve: (interactions, success) of each evaluation, in order.
        budget: what a run counts with that never reaches the target, and the most that any run counts with.

    >>> interactions_to(0.6, [(0, 0.2), (1000, 0.4), (2000, 0.8)], 5000)
    1500.0
    """
    before: tuple[float, float] | None = None
    for spent, success in curve:
        if success >= target:
            if before is None:
                return min(float(spent), float(budget))
            share = (target - before[1]) / (success - before[1])
            return min(before[0] + share * (spent - before[0]), float(budget))
        before = spent, success
    return float(budget)


def area(curve: Sequence[tuple[float, float]], budget: float) -> float:
    """Returns the mean success over the interactions from 0 to the budget, by the trapezoid rule.

    What was not evaluated up to the budget counts with the last success.

    >>> area([(0, 0.0), (1000, 1.0)], 2000)
    0.75
    """
    points = [*curve, (max(budget, curve[-1][0]), curve[-1][1])]
    total = 0.0
    for (left, low), (right, high) in pairwise(points):
        end = min(right, budget)
        if end > left:
            at_end = low + (high - low) * (end - left) / (right - left)
            total += (end - left) * (low + at_end) / 2
    return total / budget
