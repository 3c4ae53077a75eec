"""Fits two straight lines that meet at a knee, and says whether they tell a curve better than one line does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hicra.arrays import Array, Floats
from hicra.errors import DataError

LEAST_SIDE = 3
_INSIDE = 3.841  # 95 % quantile of chi-squared with one degree of freedom
_EXACT = 1e-12  # of the spread of the values: a smaller rest of a fit is rounding


@dataclass(frozen=True)
class Knee:
    """Holds the fit of two lines.

    Attributes:
        at: x of the knee, one of the given ones.
        low, high: the knees that fit about as well: the likelihood ratio to the best does not refuse them at 95 %.
        value: y of the lines at the knee.
        before, after: slopes of the lines.
        better: whether two lines are better than one by the Bayesian information criterion.
    """

    at: float
    low: float
    high: float
    value: float
    before: float
    after: float
    better: bool


def fit_knee(x: Array, y: Array) -> Knee | None:
    """Fits y = value + before * min(x - at, 0) + after * max(x - at, 0) by least squares, for each x in turn as the knee.

    Each side of the knee has at least three points besides it. The knee takes two parameters, its place and the second slope.

    Args:
        x: [N] ascending, all different; y: [N].

    Returns:
        The best fit, of equal ones the first; None with fewer than seven points.

    Raises:
        DataError: (a ValueError) x is not ascending, or the lengths differ.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(x) != len(y) or (np.diff(x) <= 0).any():
        raise DataError("x must be ascending, with one y each", "sort the points by x, and take each x once")
    n = len(x)
    if n < 2 * LEAST_SIDE + 1:
        return None
    least = _EXACT * max(float(((y - y.mean()) ** 2).sum()), _EXACT)
    fits = [(*_fit(x, y, knee), knee) for knee in x[LEAST_SIDE : n - LEAST_SIDE]]
    rests = np.maximum([rest for rest, _, _ in fits], least)
    best = int(rests.argmin())
    _, (value, before, after), at = fits[best]
    one = max(_rest(np.stack([np.ones(n), x - x[0]], axis=1), y)[0], least)
    near = [knee for rest, (_, _, knee) in zip(rests, fits, strict=True) if n * np.log(rest / rests[best]) <= _INSIDE]
    better = bool(n * np.log(one / rests[best]) > 2 * np.log(n))
    return Knee(float(at), float(near[0]), float(near[-1]), float(value), float(before), float(after), better)


def _fit(x: Floats, y: Floats, knee: float) -> tuple[float, Floats]:
    return _rest(np.stack([np.ones(len(x)), np.minimum(x - knee, 0), np.maximum(x - knee, 0)], axis=1), y)


def _rest(columns: Floats, y: Floats) -> tuple[float, Floats]:
    """Returns the sum of squares that is left, and the coefficients."""
    scale = np.abs(columns).max(axis=0)
    found = np.linalg.lstsq(columns / scale, y, rcond=None)[0] / scale
    return float(((y - columns @ found) ** 2).sum()), found
