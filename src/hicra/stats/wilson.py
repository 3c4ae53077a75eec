"""Wilson's score interval of a share: it stays inside [0, 1], and does not shrink to a point at 0 or 1 (Wilson 1927).

`wilson_interval` is for independent draws. Where draws come in groups (samples of one question), the same interval is taken at
the effective number of draws, share (1 - share) / variance of the share (`wilson_of_share`; Dean and Pagano 2015 compare
such intervals for clustered proportions).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri, stdtrit

from hicra.arrays import Floats
from hicra.errors import DataError
from hicra.stats.paired import check_confidence


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the probability behind `successes` of n independent draws.

    Raises:
        DataError: (a ValueError) n < 1, or successes outside 0..n.
        ConfigError: (a ValueError) confidence outside (0, 1).

    >>> low, high = wilson_interval(10, 50)
    >>> round(low, 4), round(high, 4)
    (0.1124, 0.3304)
    """
    check_confidence(confidence)
    if n < 1 or not 0 <= successes <= n:
        raise DataError(f"{successes} of {n} draws succeeded", "count successes among at least one draw")
    z, share = normal_quantile(confidence), successes / n
    centre, spread = share + z**2 / (2 * n), z * ((share * (1 - share) + z**2 / (4 * n)) / n) ** 0.5
    scale = 1 + z**2 / n
    return (centre - spread) / scale, (centre + spread) / scale


def wilson_of_share(share: float, variance: float, least: int, quantile: float) -> tuple[float, float]:
    """Interval of a share whose estimate has that variance; at `least` draws where the variance says nothing.

    >>> low, high = wilson_of_share(0.5, 0.25 / 100, 100, 1.96)  # 50 of 100
    >>> round(low, 4), round(high, 4)
    (0.4038, 0.5962)
    """
    spread = share * (1 - share)
    draws = spread / variance if variance > 0 and spread > 0 else float(least)
    scale = 1 + quantile**2 / draws
    centre = share + quantile**2 / (2 * draws)
    half = quantile * math.sqrt(spread / draws + quantile**2 / (4 * draws**2))
    return max(0.0, min(share, (centre - half) / scale)), min(1.0, max(share, (centre + half) / scale))


def wilson_over_groups(shares: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the mean share over groups like these: the groups are the draws, with Student's t for the few of them.

    Args:
        shares: [N] one number in [0, 1] a group.
        confidence: in (0, 1).

    Returns:
        (low, high); (0, 1) for a single group, which says nothing of others. Equal shares count as one draw a group.
    """
    groups = len(shares)
    if groups < 2:
        return 0.0, 1.0
    # Equal values have a variance of 1e-33 where their mean is rounded: that is 0, not 1e32 draws.
    variance = float(shares.var(ddof=1)) / groups if np.ptp(shares) > 1e-12 else 0.0
    quantile = float(stdtrit(groups - 1, (1 + confidence) / 2))
    return wilson_of_share(float(shares.mean()), variance, groups, quantile)


def normal_quantile(confidence: float) -> float:
    """How many standard deviations the central `confidence` of a normal distribution reaches: 1.96 for 0.95."""
    return float(ndtri((1 + confidence) / 2))
