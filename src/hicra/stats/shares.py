"""The interval of a mean of shares over groups, for groups like these (questions of a benchmark, each with its pass@k).

The groups get random weights, each an exponential number over the sum of all of them (Rubin's Bayesian bootstrap, 1981). So that
a few groups of which all are right do not look certain, half a group of share 0 joins them for the lower limit, and half a group
of share 1 for the upper one; the limits are the quantiles of the two weighted means. Learned-Miller and Thomas (2019) add a whole
group, which always covers and is wider. Where every share is 0 or 1 the limits are quantiles of beta distributions, between those
of Jeffreys and of Clopper and Pearson.

An interval from the variance between the groups (a t interval, or Wilson's with that variance) covers far less than it says
when nearly all shares are 1: the rare groups with lower shares are then in few samples of groups, and the variance of the others
does not know of them.

Deviations (the paper gives no interval):
STATS-4. Half a group is added at the end that the limit faces: at confidence 0.95, 3 to 100 groups and the difficulties of
    tests/unit/stats/test_shares.py the interval covers 0.94 to 1.0 of all simulated means, most where there are few groups.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Floats
from hicra.errors import DataError
from hicra.stats.paired import check_confidence

_ADDED = 0.5
_FIRST, _LAST = -20.0, 16.0  # beyond these logarithms the integrand below is under 1e-8
_HALVINGS = 45


def mean_share_interval(shares: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Computes the interval of the mean share over groups like these.

    Args:
        shares: [N] one number in [0, 1] per group.
        confidence: of the interval, in (0, 1).

    Returns:
        (low, high), around the mean of the shares.

    Raises:
        DataError: (a ValueError) there is no group, or a share lies outside [0, 1].
        ConfigError: (a ValueError) confidence lies outside (0, 1).
    """
    check_confidence(confidence)
    if not len(shares) or not (shares.min() >= 0 and shares.max() <= 1):
        raise DataError("the shares of groups must be numbers from 0 to 1, at least one", "give one share per group")
    tail, mean = (1 - confidence) / 2, float(shares.mean())
    low, high = _quantile(shares, tail), 1.0 - _quantile(1.0 - shares, tail)
    return min(low, mean), max(high, mean)


def _quantile(shares: Floats, chance: float) -> float:
    """Returns the x that the weighted mean of the shares and half a 0 falls short of with this chance."""
    values, counts = np.unique(np.append(shares, 0.0), return_counts=True)
    weights = np.where(values == 0.0, counts - (1 - _ADDED), counts)
    step = min(0.05, len(shares) ** -0.5)  # with many groups the sine turns faster
    low, high = 0.0, float(values[-1])
    for _ in range(_HALVINGS if high else 0):
        middle = (low + high) / 2
        low, high = (low, middle) if _below(values - middle, weights, step) > chance else (middle, high)
    return (low + high) / 2


def _below(values: Floats, shapes: Floats, step: float) -> float:
    """Computes the chance that a sum of values times gamma variables of these shapes is negative.

    It is 1/2 - 1/pi times the integral over all w of sin(sum of k arctan(v u)) / product of (1 + v^2 u^2)^(k/2), where v and k
    are the values and shapes and u = exp(w): Imhof's inversion of the characteristic function (1961). The integrand is smooth and
    falls off exponentially on both sides, so that a plain sum is exact to about eight digits.
    """
    scaled = values / np.sqrt(shapes @ values**2)
    at = scaled[:, None] * np.exp(np.arange(_FIRST, _LAST, step))
    angle = shapes @ np.arctan(at)
    size = np.exp(-0.5 * (shapes @ np.log1p(at**2)))
    return float(0.5 - step / np.pi * (np.sin(angle) * size).sum())
