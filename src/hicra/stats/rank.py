"""Spearman's rank correlation: whether two curves rise and fall together, whatever their scales (Spearman 1904)."""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array, Floats
from hicra.errors import DataError


def average_ranks(values: Array) -> Floats:
    """Returns the ranks [N] from 1, smallest first; equal values share the mean of their ranks.

    >>> average_ranks(np.array([5.0, 7.0, 5.0])).tolist()
    [1.5, 3.0, 1.5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place])


def rank_correlation(first: Array, second: Array) -> float | None:
    """Computes the correlation of the ranks of two lists [N], from -1 to 1.

    Returns:
        The correlation, or None where it is not defined: fewer than two values, or all of a list are equal.

    Raises:
        DataError: (a ValueError) the lists have different lengths.

    >>> rank_correlation(np.array([1, 2, 3]), np.array([10, 30, 20]))
    0.5
    """
    if len(first) != len(second):
        raise DataError(
            f"one list has {len(first)} values and the other {len(second)}", "give as many of one as of the other"
        )
    a, b = (average_ranks(np.asarray(values)) - (len(values) + 1) / 2 for values in (first, second))
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread else None
