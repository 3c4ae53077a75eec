"""The straight line through a curve of a run, with an interval that knows that neighbouring steps are alike.

Values of neighbouring steps of a training run depend on each other, so that n of them tell less than n independent ones. Where
the correlation of neighbours is r, as in a first-order autoregression, they tell as much as n (1 - r) / (1 + r).

Deviations (the paper reads its curves by eye):
STATS-5. The noise of a curve is a first-order autoregression around the fitted line. The correlation of neighbouring residuals
    is corrected for its bias by (n r + p) / (n - 2 p), where p is the number of fitted parameters, and kept in [0, 0.95]; the
    variance of a slope is multiplied by (1 + r) / (1 - r).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from hicra.arrays import Array, Floats
from hicra.errors import DataError
from hicra.stats.paired import check_confidence

LEAST_POINTS = 6
_MOST_CORRELATION = 0.95


@dataclass(frozen=True)
class Trend:
    """The line through a curve.

    Attributes:
        start, end: the line at the first and at the last point.
        change: end minus start.
        low, high: the interval of the change.
        correlation: of neighbouring residuals, in [0, 0.95].
        n: number of points.
    """

    start: float
    end: float
    change: float
    low: float
    high: float
    correlation: float
    n: int


def trend(x: Array, y: Array, confidence: float = 0.95) -> Trend:
    """Fits a line by least squares, with a t interval of its change from the first point to the last.

    Args:
        x: [N] ascending, such as steps; at least 6.
        y: [N] finite values.
        confidence: of the interval, in (0, 1).

    Raises:
        DataError: (a ValueError) fewer than 6 points, x does not ascend, or a value is not finite.
        ConfigError: (a ValueError) confidence lies outside (0, 1).

    >>> found = trend([1, 2, 3, 4, 5, 6], [0, 2, 4, 6, 8, 10])
    >>> found.start, found.change
    (0.0, 10.0)
    """
    check_confidence(confidence)
    steps, values = checked_curve(x, y, LEAST_POINTS)
    n = len(values)
    centred = steps - steps.mean()
    spread = float(centred @ centred)
    slope = float(centred @ values) / spread
    left = values - values.mean() - slope * centred
    correlation = neighbours(left, 2)
    independent = max(3.0, effective_size(n, correlation))
    error = float(np.sqrt(left @ left / (n - 2) / spread * (1 + correlation) / (1 - correlation)))
    width = float(steps[-1] - steps[0])
    half = float(stdtrit(independent - 2, (1 + confidence) / 2)) * error * width
    start, end = (float(values.mean() + slope * at) for at in (centred[0], centred[-1]))
    return Trend(start, end, slope * width, slope * width - half, slope * width + half, correlation, n)


def neighbours(left: Floats, parameters: int) -> float:
    """Computes the correlation of neighbouring residuals [N] of a fit with so many parameters (STATS-5); 0 where all are 0."""
    total, n = float(left @ left), len(left)
    if not total:
        return 0.0
    if n <= 2 * parameters:
        return _MOST_CORRELATION
    raw = float(left[1:] @ left[:-1]) / total
    return float(np.clip((n * raw + parameters) / (n - 2 * parameters), 0.0, _MOST_CORRELATION))


def effective_size(n: int, correlation: float) -> float:
    """Returns how many independent values tell as much as n whose neighbours correlate so."""
    return n * (1 - correlation) / (1 + correlation)


def checked_curve(x: Array, y: Array, least: int) -> tuple[Floats, Floats]:
    """Returns both as floats [N]. Raises DataError for fewer than `least` points, an x that does not ascend, or NaN."""
    steps, values = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if steps.ndim != 1 or steps.shape != values.shape:
        raise DataError(f"x {steps.shape} and y {values.shape} must have one shape [N]", "give one value a step")
    if len(steps) < least:
        raise DataError(f"the curve has {len(steps)} points", f"give at least {least}")
    if not (np.isfinite(steps).all() and np.isfinite(values).all()):
        raise DataError("the curve holds a value that is not finite", "leave out the steps without a value")
    if not (np.diff(steps) > 0).all():
        raise DataError("the steps of the curve do not ascend", "sort them, and name each once")
    return steps, values
