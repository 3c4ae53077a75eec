"""The jackknife interval of a statistic of N independent units: each unit is left out once, and the spread tells the error."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from hicra.arrays import Floats
from hicra.errors import DataError
from hicra.stats.paired import check_confidence


def jackknife_interval(whole: float, without: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Computes whole -+ t(N-1) s, where s^2 = (N-1)/N sum (theta_i - mean theta)^2 over the statistics without one unit each.

    Args:
        whole: the statistic of all units.
        without: [N] the statistic without unit i, N >= 2.
        confidence: of the interval, in (0, 1).

    Raises:
        DataError: there are fewer than two units.
        ConfigError: (a ValueError) confidence lies outside (0, 1).
    """
    check_confidence(confidence)
    n = len(without)
    if n < 2:
        raise DataError(f"a jackknife over {n} units has no spread", "give at least two")
    spread = float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * spread
    return whole - half, whole + half
