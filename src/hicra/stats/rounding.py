"""Keeps rounding out of comparisons: 0.1 + 0.2 is not above 0.3, and no verdict may rest on the order of a sum.

Deviations:
STATS-3. Values that differ by at most 1e-12 of the largest value in the comparison are equal. Means of the same numbers differ by
    less than that when they are summed in another order, and no experiment resolves so small a difference.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Floats

_RELATIVE = 1e-12


def noise_of(*values: Floats) -> float:
    """Returns the largest difference between such values that counts as none."""
    return _RELATIVE * max(float(np.abs(each).max(initial=0.0)) for each in values)


def paired_differences(treatment: Floats, baseline: Floats) -> Floats:
    """Returns treatment - baseline, entry by entry, with 0 for a difference that counts as none."""
    differences = treatment - baseline
    return np.where(np.abs(differences) <= noise_of(treatment, baseline), 0.0, differences)
