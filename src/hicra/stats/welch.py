"""Welch's interval of the difference of two means, for samples of unequal size and spread, and for neighbours that are alike."""

from __future__ import annotations

import math

from scipy.special import stdtrit

from hicra.arrays import Floats
from hicra.stats.paired import check_confidence
from hicra.stats.trend import effective_size


def welch_interval(
    first: Floats, last: Floats, confidence: float = 0.95, correlation: float = 0.0
) -> tuple[float, float]:
    """Computes the t interval of mean(last) - mean(first); infinite where a sample has fewer than two values.

    Args:
        first, last: [N] and [M] values.
        confidence: of the interval, in (0, 1).
        correlation: of neighbours in a sample, in [0, 1): n of them tell as much as n (1 - r) / (1 + r) independent ones, but
            no less than three.

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
    sizes = [min(len(sample), max(3.0, effective_size(len(sample), correlation))) for sample in (first, last)]
    a, b = (float(sample.var(ddof=1)) / size for sample, size in zip((first, last), sizes, strict=True))
    if not a + b:
        return difference, difference
    freedom = (a + b) ** 2 / (a**2 / (sizes[0] - 1) + b**2 / (sizes[1] - 1))
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(a + b)
    return difference - half, difference + half
