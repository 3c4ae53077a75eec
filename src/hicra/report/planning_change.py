"""Says of a diagnosed run whether the policy plans more at its end than at its start, or only writes more.

Deviations (the paper compares no two steps of a run):
REPORT-10. The change from the first to the last step that has an interval over prompts gets the interval of a difference of two
    independent figures, from the ends of both (MOVER, Zou and Donner 2008). Where both steps have the same prompts it is wider
    than it need be. Without such intervals nothing is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hicra.drawing.readable import decimal, interval_end, number
from hicra.report.model import Run
from hicra.report.verdict import OpeningLine

SHARE, LENGTH = "planning_share", "length"


@dataclass(frozen=True)
class Change:
    """A figure at two steps, and its difference with the 95 % interval."""

    steps: tuple[int, int]
    before: float
    after: float
    low: float
    high: float


def difference(before: tuple[float, float, float], after: tuple[float, float, float]) -> tuple[float, float]:
    """Returns the interval of after minus before, each (value, low, high) and independent of the other (REPORT-10).

    >>> [round(end, 3) for end in difference((0.2, 0.1, 0.3), (0.4, 0.35, 0.5))]
    [0.088, 0.341]
    """
    gap = after[0] - before[0]
    low = gap - math.hypot(after[0] - after[1], before[2] - before[0])
    return low, gap + math.hypot(after[2] - after[0], before[0] - before[1])


def change(run: Run, metric: str) -> Change | None:
    """Returns how a metric changes over a run; None where fewer than two steps have its value and interval."""
    known = [
        (step, value, *run.intervals[step][metric])
        for step, row in zip(run.steps, run.metrics, strict=True)
        if (value := row.get(metric)) is not None and metric in run.intervals.get(step, {})
    ]
    if len(known) < 2:
        return None
    (first, *before), (last, *after) = known[0], known[-1]
    low, high = difference((before[0], before[1], before[2]), (after[0], after[1], after[2]))
    return Change((first, last), before[0], after[0], low, high)


def planning_line(run: Run) -> list[OpeningLine]:
    """Returns the sentence on planning and length, or nothing where the run has no intervals."""
    share, length = change(run, SHARE), change(run, LENGTH)
    if share is None:
        return []
    lead = (
        "It plans more."
        if share.low > 0
        else "It plans less."
        if share.high < 0
        else "Whether it plans more cannot be told."
    )
    gap = decimal(100 * (share.after - share.before), 1, sign=True)
    text = (
        f"The planning share is {number(share.before, True)} at step {share.steps[0]} and {number(share.after, True)} at step "
        f"{share.steps[1]}: {gap} points (95\u00a0% interval {interval_end(100 * share.low, 1)} to "
        f"{interval_end(100 * share.high, 1)})."
    )
    if length is not None:
        gap = decimal(length.after - length.before, 0, sign=True)
        text += (
            f" Responses go from {number(length.before)} to {number(length.after)} {run.config.get('counts', 'tokens')}: {gap} "
            f"({interval_end(length.low, 0)} to {interval_end(length.high, 0)})."
        )
    return [OpeningLine(lead, text, link="curves")]
