"""The power of the paired t test, by the noncentral t: which differences an experiment of n paired seeds can detect."""

from __future__ import annotations

import numpy as np
from scipy.special import chdtri, nctdtr, stdtrit

MOST_SEEDS = 100_000


def smallest_gap(spread: float, n: int, level: float = 0.05, power: float = 0.8) -> float:
    """Computes the true difference that n paired seeds tell from 0 in a share `power` of all experiments.

    Args:
        spread: standard deviation of the paired differences.
        n: number of paired seeds.
        level: chance of a false alarm of the two-sided test.
        power: at least 0.5.

    Returns:
        delta * spread / sqrt(n), where delta is the noncentrality at which T exceeds its critical value with probability
        `power`; infinite for fewer than 2 seeds.
    """
    if n < 2:
        return float("inf")
    critical = float(stdtrit(n - 1, 1 - level / 2))
    low, high = 0.0, critical + 4.0
    while _power(high, n, critical) < power:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _power(middle, n, critical) >= power else (middle, high)
    return high * spread / float(np.sqrt(n))


def _power(delta: float, n: int, critical: float) -> float:
    """Computes P(T > critical) for a noncentral t variable T with n - 1 degrees of freedom and noncentrality delta.

    The other tail is left out: where this one is 0.8, the other is under 1e-6 (and scipy's function is inaccurate there).
    """
    if delta > 10 * (critical + 4):
        return 1.0
    return float(1 - nctdtr(n - 1, delta, critical))


def spread_interval(spread: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Computes the chi-square interval of a standard deviation from n values, which says how exact the power line is."""
    if n < 2:
        return 0.0, float("inf")
    tail = (1 - confidence) / 2
    return tuple(spread * float(np.sqrt((n - 1) / chdtri(n - 1, p))) for p in (tail, 1 - tail))  # type: ignore[return-value]


def seeds_needed(gap: float, spread: float, least: int, level: float = 0.05, power: float = 0.8) -> int | None:
    """Finds the smallest number of paired seeds, at least `least`, that detects a true difference of `gap`.

    Args:
        gap: the true difference.
        spread: standard deviation of the paired differences.
        least: the smallest number considered.
        level, power: as in `smallest_gap`.

    Returns:
        The number, or None if it is above 100,000.
    """

    def seen(n: int) -> bool:
        critical = float(stdtrit(n - 1, 1 - level / 2))
        return spread == 0 or _power(gap / spread * float(np.sqrt(n)), n, critical) >= power

    low, high = least - 1, least
    while not seen(high):
        low, high = high, 2 * high
        if high > MOST_SEEDS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high
