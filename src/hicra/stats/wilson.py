"""Wilson's score interval of a share, which stays inside [0, 1] and does not shrink to a point at 0 or 1 (Wilson 1927).

`wilson_interval` is for independent draws. Where the draws of several questions are put together, `wilson_of_share` computes the
same interval with the effective number of draws, share (1 - share) / variance of the share.
"""

from __future__ import annotations

import math

from scipy.special import ndtri

from hicra.errors import DataError
from hicra.stats.paired import check_confidence


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Computes the interval of the probability of success from `successes` of n independent draws.

    Raises:
        DataError: (a ValueError) n < 1, or successes lies outside 0..n.
        ConfigError: (a ValueError) confidence lies outside (0, 1).

    >>> low, high = wilson_interval(10, 50)
    >>> round(low, 4), round(high, 4)
    (0.1124, 0.3304)
    >>> wilson_interval(0, 50)[0], wilson_interval(50, 50)[1]
    (0.0, 1.0)
    """
    check_confidence(confidence)
    if n < 1 or not 0 <= successes <= n:
        raise DataError(
            f"{successes} of {n} draws cannot have succeeded",
            "give at least one draw, and from 0 to that many successes",
        )
    z, share = normal_quantile(confidence), successes / n
    centre, spread = share + z**2 / (2 * n), z * ((share * (1 - share) + z**2 / (4 * n)) / n) ** 0.5
    scale = 1 + z**2 / n
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return low if successes else 0.0, high if successes < n else 1.0  # which rounding would miss by 1e-16


def wilson_of_share(share: float, variance: float, least: int, quantile: float) -> tuple[float, float]:
    """Computes the interval of a share whose estimate has the given variance.

    Args:
        share: the estimate, in [0, 1].
        variance: variance of the estimate.
        least: number of draws to assume if the variance is 0, or the share is 0 or 1.
        quantile: of the normal distribution.

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


def normal_quantile(confidence: float) -> float:
    """Returns how many standard deviations from its mean the central share `confidence` of a normal distribution reaches.

    It is 1.96 for 0.95.
    """
    return float(ndtri((1 + confidence) / 2))
