"""Holm's step-down adjustment: with m comparisons, the chance of any false one stays under the level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hicra.arrays import Floats


def holm(p: Sequence[float] | Floats) -> Floats:
    """[m] adjusted p, in the order given: the k-th smallest times m - k + 1, never falling, at most 1 (Holm 1979).

    >>> [round(float(x), 3) for x in holm([0.04, 0.01, 0.03])]
    [0.06, 0.03, 0.06]
    """
    given = np.asarray(p, np.float64)
    order = np.argsort(given, kind="stable")
    stepped = np.minimum(given[order] * np.arange(len(given), 0, -1), 1.0)
    adjusted = np.empty_like(given)
    adjusted[order] = np.maximum.accumulate(stepped) if len(given) else stepped
    return adjusted
