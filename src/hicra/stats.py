"""Paired comparison of two arms over seeds, with a verdict that stays silent on too few of them.

The interval is a t interval over paired differences, since a percentile bootstrap covers far too little at 3 to 10 seeds;
p is an exact sign-flip test (all 2^n flips up to n = 16, then 100,000 seeded draws).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from hicra.errors import ConfigError, DataError

LEAST_SEEDS = 6  # the sign-flip floor of 5 pairs is 0.0625
EXACT_UP_TO, DRAWS = 16, 100_000


@dataclass(frozen=True)
class Comparison:
    """Treatment minus baseline over paired seeds.

    Attributes:
        difference: mean of the paired differences.
        low, high: confidence interval of the difference (infinite for a single pair).
        p_value: two-sided sign-flip p.
        prob_improvement: chance that a random treatment value beats a random baseline value (ties count half).
        verdict: "better", "worse" or "inconclusive"; always the last under 6 pairs.
        n: pairs.
    """

    difference: float
    low: float
    high: float
    p_value: float
    prob_improvement: float
    verdict: str
    n: int


def paired_comparison(treatment: Any, baseline: Any, confidence: float = 0.95) -> Comparison:
    """Compares two arms by seed.

    Args:
        treatment, baseline: [n] finite numbers, entry i of both from seed i.
        confidence: of the interval, in (0, 1).

    Raises:
        DataError: (a ValueError) unequal lengths, no pair, or a value that is not finite.
    """
    a, b = np.asarray(treatment, np.float64), np.asarray(baseline, np.float64)
    if a.ndim != 1 or a.shape != b.shape or not a.size:
        raise DataError(
            f"treatment {a.shape} and baseline {b.shape} must be one shape [n], n >= 1", "pair the arms by seed"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise DataError("a value is not finite", "drop the seed from both arms and say so")
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence}, it must lie in (0, 1)", "the usual value is 0.95")
    differences, n = a - b, len(a)
    mean = float(differences.mean())
    half = float("inf")
    if n > 1:
        half = float(stdtrit(n - 1, (1 + confidence) / 2) * differences.std(ddof=1) / np.sqrt(n))
    low, high = mean - half, mean + half
    verdict = "inconclusive"
    if n >= LEAST_SEEDS and (low > 0 or high < 0):
        verdict = "better" if low > 0 else "worse"
    wins = np.sign(a[:, None] - b[None, :])
    return Comparison(mean, low, high, _sign_flip(differences), float((wins + 1).mean() / 2), verdict, n)


def _sign_flip(differences: NDArray[np.float64]) -> float:
    n = len(differences)
    observed = abs(differences.sum()) * (1 - 1e-12)  # equal sums in another order must not count as smaller
    if n <= EXACT_UP_TO:
        signs = 1 - 2 * ((np.arange(1 << n)[:, None] >> np.arange(n)) & 1)
        return float((np.abs(signs @ differences) >= observed).mean())
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (DRAWS, n))
    return float(((np.abs(signs @ differences) >= observed).sum() + 1) / (DRAWS + 1))
