"""The variance of a statistic of a binomial count over new draws, computed exactly, without simulation or approximation."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln

from hicra.arrays import Floats


def binomial_variance(values: Floats, p: float) -> float:
    """Computes the variance of values[c], where c counts the successes of n draws that each succeed with probability p.

    Args:
        values: [n + 1] the statistic at each count 0..n.
        p: probability of success of one draw, in (0, 1).

    >>> binomial_variance(np.array([0.0, 1.0]), 0.25)  # one draw: p (1 - p)
    0.1875
    """
    n = len(values) - 1
    right = np.arange(n + 1)
    weights = np.exp(
        gammaln(n + 1)
        - gammaln(right + 1)
        - gammaln(n - right + 1)
        + right * math.log(p)
        + (n - right) * math.log1p(-p)
    )
    mean = float(weights @ values)
    return float(weights @ (values - mean) ** 2)
