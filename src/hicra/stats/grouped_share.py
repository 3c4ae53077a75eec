"""The interval of a share whose draws come in groups, such as the failed rollouts of some prompts, and of two shares' difference.

Rollouts of one prompt fail alike, so they are fewer independent draws than they look. The variance of the share is taken over
the groups (the ratio estimator of sampling theory), and Wilson's interval gets the number of independent draws that has it.
"""

from __future__ import annotations

import math

import numpy as np

from hicra.arrays import Array
from hicra.errors import DataError
from hicra.stats.wilson import normal_quantile, wilson_of_share


def grouped_share_interval(part: Array, whole: Array, confidence: float = 0.95) -> tuple[float, float]:
    """Computes the interval of sum(part) / sum(whole).

    With s = sum(part) / sum(whole), the variance is K / (K - 1) * sum over groups (part - s whole)^2 / sum(whole)^2.

    Args:
        part, whole: [K] of each group the draws that count and all draws; 0 <= part <= whole, whole >= 1.
        confidence: of the interval, in (0, 1).

    Returns:
        (low, high), around the share. Where all groups have the same share, each group counts as one draw.

    Raises:
        DataError: (a ValueError) there is no group, or part lies outside 0..whole.
    """
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    if not len(part) or (part < 0).any() or (part > whole).any() or (whole <= 0).any():
        raise DataError("a group's part lies outside 0..whole, or there is no group", "give 0 <= part <= whole")
    groups, total = len(part), float(whole.sum())
    share = float(part.sum()) / total
    spread = float(((part - share * whole) ** 2).sum())
    variance = spread * groups / (groups - 1) / total**2 if groups > 1 else 0.0
    return wilson_of_share(share, variance, groups, normal_quantile(confidence))


def share_change_interval(before: tuple[float, float, float], after: tuple[float, float, float]) -> tuple[float, float]:
    """Computes the interval of the difference after - before of two independent shares from their intervals (Newcombe 1998).

    Args:
        before, after: (share, low, high) each.

    >>> low, high = share_change_interval((0.5, 0.4, 0.6), (0.8, 0.5, 0.9))  # 0.3 - sqrt(.3^2 + .1^2), 0.3 + sqrt(.1^2 + .1^2)
    >>> round(low, 4), round(high, 4)
    (-0.0162, 0.4414)
    """
    (p, p_low, p_high), (q, q_low, q_high) = before, after
    return q - p - math.hypot(q - q_low, p_high - p), q - p + math.hypot(q_high - q, p - p_low)
