"""Welch's interval of the difference of two means, for samples of unequal size and spread."""

from __future__ import annotations

import math

from scipy.special import stdtrit

from hicra.arrays import Floats
from hicra.stats.paired import check_confidence


def welch_interval(first: Floats, last: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Computes the t interval of mean(last) - mean(first); infinite where a sample has fewer than two values.

    Args:
        first, last: [N] and [M] independent values.
        confidence: of the interval, in (0, 1).

    Raises:
        ConfigError: (a ValueError) confidence lies outside (0, 1).

    >>> import numpy as np
    >>> low, high = welch_interval(np.array([1.0, 3.0]), np.array([6.0, 8.0]))
    >>> round(low, 3), round(high, 3)
    (-1.085, 11.085)
    """
    check_confidence(confidence)
    if min(len(first), len(last)) < 2:
        return -math.inf, math.inf
    difference = float(last.mean() - first.mean())
    a, b = (float(sample.var(ddof=1)) / len(sample) for sample in (first, last))
    if not a + b:
        return difference, difference
    freedom = (a + b) ** 2 / (a**2 / (len(first) - 1) + b**2 / (len(last) - 1))
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(a + b)
    return difference - half, difference + half
