"""Holm's step-down adjustment keeps the chance of any false finding among m comparisons at or below the level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hicra.arrays import Floats


def holm(p: Sequence[float] | Floats) -> Floats:
    """Returns the adjusted p-values [m] in the order given (Holm 1979).

    The k-th smallest is multiplied by m - k + 1; it is never smaller than the one before it, and never above 1.

    >>> [round(float(x), 3) for x in holm([0.04, 0.01, 0.03])]
    [0.06, 0.03, 0.06]
    """
    given = np.asarray(p, np.float64)
    order = np.argsort(given, kind="stable")
    stepped = np.minimum(given[order] * np.arange(len(given), 0, -1), 1.0)
    adjusted = np.empty_like(given)
    adjusted[order] = np.maximum.accumulate(stepped) if len(given) else stepped
    return adjusted
