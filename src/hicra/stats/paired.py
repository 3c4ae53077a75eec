"""Paired comparison of two arms over seeds, with a verdict that is inconclusive when there are too few seeds.

The interval is a t interval over paired differences, because a percentile bootstrap covers far too little at 3 to 10 seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from hicra.arrays import Floats
from hicra.errors import ConfigError, DataError
from hicra.stats.improvement import prob_improvement
from hicra.stats.rounding import noise_of, paired_differences
from hicra.stats.signflip import sign_flip_p

LEAST_SEEDS = 6  # the smallest sign-flip p of 5 pairs is 0.0625


@dataclass(frozen=True)
class Comparison:
    """The comparison of a treatment with a baseline over paired seeds.

    Attributes:
        difference: mean of the paired differences, treatment minus baseline.
        low, high: confidence interval of the difference (infinite for a single pair).
        p_value: two-sided p-value of the sign-flip test.
        prob_improvement: chance that a random treatment value beats a random baseline value (ties count half).
        verdict: "better", "worse" or "inconclusive"; with fewer than 6 pairs it is always "inconclusive".
        n: number of pairs.
    """

    difference: float
    low: float
    high: float
    p_value: float
    prob_improvement: float
    verdict: str
    n: int


def paired_comparison(treatment: Any, baseline: Any, confidence: float = 0.95) -> Comparison:
    """Compares two arms by seed, where a larger value is better; differences that rounding makes are none (STATS-3).

    Args:
        treatment, baseline: [n] finite numbers; entry i of both is from seed i.
        confidence: of the interval, in (0, 1).

    Raises:
        DataError: (a ValueError) the lengths differ, there is no pair, or a value is not finite.
        ConfigError: (a ValueError) confidence lies outside (0, 1).
    """
    a, b = np.asarray(treatment, np.float64), np.asarray(baseline, np.float64)
    if a.ndim != 1 or a.shape != b.shape or not a.size:
        raise DataError(
            f"treatment {a.shape} and baseline {b.shape} must have one shape [n], n >= 1", "pair the arms by seed"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise DataError("a value is not finite", "leave that seed out of both arms, and report that you did")
    differences, n, noise = paired_differences(a, b), len(a), noise_of(a, b)
    low, high = t_interval(differences, confidence)
    verdict = "inconclusive"
    if n >= LEAST_SEEDS and (low > noise or high < -noise):
        verdict = "better" if low > 0 else "worse"
    return Comparison(
        float(differences.mean()), low, high, sign_flip_p(differences), prob_improvement(a, b), verdict, n
    )


def t_interval(values: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Computes Student's interval of a mean: mean -+ t(n-1) sd / sqrt(n), sd with n-1; infinite for a single value.

    Args:
        values: [n] numbers.
        confidence: of the interval, in (0, 1).

    Raises:
        ConfigError: (a ValueError) confidence lies outside (0, 1).
    """
    check_confidence(confidence)
    mean, n = float(values.mean()), len(values)
    if n < 2:
        return -np.inf, np.inf
    half = float(stdtrit(n - 1, (1 + confidence) / 2) * values.std(ddof=1) / np.sqrt(n))
    return mean - half, mean + half


def check_confidence(confidence: float) -> None:
    """Raises ConfigError unless 0 < confidence < 1."""
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence}, it must lie in (0, 1)", "the usual value is 0.95")
