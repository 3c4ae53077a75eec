"""What findings read from metrics: the curve of one name, and how much it rose."""

from __future__ import annotations

import math

import numpy as np

from hicra.arrays import Floats
from hicra.findings.finding import Evidence
from hicra.stats import Piece, change_points
from hicra.stats.changes import LEAST_PIECE

LEAST_STEPS = 20  # fewer steps say nothing sure of a course


def curve(evidence: Evidence, name: str) -> tuple[Floats, Floats]:
    """Returns the steps [N] and values [N] of a metric, ascending, without the steps that have no finite value."""
    points: dict[float, float] = {}
    for row in evidence.metrics:
        step, value = row.get("step"), row.get(name)
        if isinstance(step, int) and isinstance(value, int | float) and math.isfinite(value):
            points[float(step)] = float(value)
    steps = sorted(points)
    return np.array(steps), np.array([points[step] for step in steps])


def fifths(values: Floats) -> tuple[float, float]:
    """Returns the means of the first and of the last fifth of the values, at least one each."""
    size = max(1, len(values) // 5)
    return float(values[:size].mean()), float(values[-size:].mean())


def thirds(values: Floats) -> tuple[Floats, Floats]:
    """Returns the first and the last third of the values, at least one each; for what only saved steps have."""
    size = max(1, len(values) // 3)
    return values[:size], values[-size:]


def course(steps: Floats, values: Floats) -> Piece | None:
    """Returns how far a curve has gone from its first step to its last, with an interval; None for fewer than 10 points.

    It is the change of the fitted line of `change_points`, which bends where the curve does.
    """
    return change_points(steps, values).whole if len(values) >= 2 * LEAST_PIECE else None
