"""The sign-flip test: if the arms do not differ, each paired difference is as likely to have the opposite sign.

p is the share of sign patterns whose sum is at least as far from 0 as the observed one. It assumes nothing about the
distribution of the values. With n pairs it cannot fall below 2 / 2^n, so there is no verdict with fewer than 6 pairs.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Floats

EXACT_UP_TO, DRAWS = 20, 100_000
_BLOCK = 1 << 22  # number of table entries looked up at a time (32 MB)


def sign_flip_p(differences: Floats, seed: int = 0) -> float:
    """Computes the two-sided p of paired differences [n].

    Up to n = 20 it counts all 2^n patterns. Beyond, it draws 100,000 patterns by the seed and returns
    p = (hits + 1) / (draws + 1), so that p is never 0 and the test keeps its level.
    """
    n = len(differences)
    # A sum that is equal but was added in another order must not count as smaller.
    observed = abs(differences.sum()) - 1e-12 * np.abs(differences).sum()
    if n <= EXACT_UP_TO:
        # A pattern and its opposite have the same absolute sum, so the first sign may stay fixed.
        return float((np.abs(_all_sums(differences[1:]) + differences[0]) >= observed).mean())
    tables = [_all_sums(differences[i : i + 8]) for i in range(0, n, 8)]  # a random byte gives eight signs
    rng, hits = np.random.default_rng(seed), 0
    block = max(1, _BLOCK // len(tables))
    for start in range(0, DRAWS, block):
        draws = rng.integers(0, 256, (len(tables), min(block, DRAWS - start)), dtype=np.uint8)
        sums = np.zeros(draws.shape[1])
        for table, bits in zip(tables, draws, strict=True):
            sums += table[bits & (len(table) - 1)]
        hits += int((np.abs(sums) >= observed).sum())
    return (hits + 1) / (DRAWS + 1)


def least_p(n: int) -> float:
    """Returns the smallest p that n pairs can give: 2 / 2^n, or 1 / 100,001 if the patterns are drawn."""
    return 2.0 / 2**n if n <= EXACT_UP_TO else 1 / (DRAWS + 1)


def _all_sums(values: Floats) -> Floats:
    """Returns the sums of all sign patterns [2^n]."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums
