"""What findings read from metrics: the curve of one name, and how much it rose."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hicra.arrays import Floats
from hicra.findings.finding import Evidence
from hicra.stats import change_points, welch_interval

LEAST_STEPS = 20  # fewer steps say nothing sure of where a curve goes
LEAST_CORRELATED = 40


def curve(evidence: Evidence, name: str) -> tuple[Floats, Floats]:
    """Returns the steps [N] and values [N] of a metric, ascending, without the steps that have no finite value."""
    points: dict[float, float] = {}
    for row in evidence.metrics:
        step, value = row.get("step"), row.get(name)
        if isinstance(step, int) and isinstance(value, int | float) and math.isfinite(value):
            points[float(step)] = float(value)
    steps = sorted(points)
    return np.array(steps), np.array([points[step] for step in steps])


@dataclass(frozen=True)
class Rise:
    """How a figure at the end of a run compares with it at the start.

    Attributes:
        first, last: the figure there; of a curve the mean of the first and of the last part.
        low, high: the interval of last minus first, infinite where there is none.
    """

    first: float
    last: float
    low: float
    high: float

    @property
    def change(self) -> float:
        return self.last - self.first

    @property
    def sure(self) -> bool:
        """Whether there is an interval and 0 lies outside of it."""
        return math.isfinite(self.low) and math.isfinite(self.high) and not self.low <= 0 <= self.high

    def figures(self) -> list[float | None]:
        """Returns [change, low, high], the ends null where there is no interval."""
        return [self.change, *(end if math.isfinite(end) else None for end in (self.low, self.high))]


def part_size(points: int) -> int:
    """Returns how many points the start and the end of a curve have each."""
    return max(1, points // (5 if points >= LEAST_CORRELATED else 3))


def rise(steps: Floats, values: Floats) -> Rise:
    """Compares the last fifth of a curve with the first; with fewer than 40 points the last third, so that a part has enough.

    From 40 points on the interval knows how much neighbouring steps are alike. With fewer that cannot be estimated and they
    count as independent, which they are where only every tenth step is saved.
    """
    many, size = len(values) >= LEAST_CORRELATED, part_size(len(values))
    correlation = change_points(steps, values, resamples=1).correlation if many else 0.0
    low, high = welch_interval(values[:size], values[-size:], correlation=correlation)
    return Rise(float(values[:size].mean()), float(values[-size:].mean()), low, high)
