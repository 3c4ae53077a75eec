"""The probability of improvement is the chance that a new treatment run beats a new baseline run.

It is Mann and Whitney's statistic, as rliable uses it (Agarwal et al. 2021), with an interval that keeps its width at 0 and 1.

Deviations:
STATS-1. rliable bootstraps the interval, which shrinks to one point when every treatment run beats every baseline run. This one
    is Newcombe's score interval (2006, his method 5), with a t quantile because there are few runs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import stdtrit

from hicra.arrays import Floats
from hicra.stats.rounding import noise_of


def prob_improvement(treatment: Floats, baseline: Floats) -> float:
    """Returns the share of all (treatment, baseline) pairs in which the treatment is larger; ties count half.

    Values that only rounding tells apart are a tie.
    """
    ranked, noise = np.sort(baseline), noise_of(treatment, baseline)
    below = np.searchsorted(ranked, treatment - noise, "left").sum()
    not_above = np.searchsorted(ranked, treatment + noise, "right").sum()
    return float((below + not_above) / (2 * len(treatment) * len(baseline)))


def improvement_interval(probability: float, m: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Computes the interval of a probability of improvement of m treatment and n baseline runs; a single run gives [0, 1].

    It holds all x with abs(probability - x) <= t sqrt(V(x)), where
    V(x) = x (1-x) / (m n) * [1 + (N-1) ((1-x) / (2-x) + x / (1+x))], N = (m+n)/2, and t has N - 1 degrees of freedom.
    """
    runs = (m + n) / 2
    if min(m, n) < 2:
        return 0.0, 1.0
    t = float(stdtrit(runs - 1, (1 + confidence) / 2))

    def outside(x: float) -> bool:
        spread = x * (1 - x) / (m * n) * (1 + (runs - 1) * ((1 - x) / (2 - x) + x / (1 + x)))
        return bool(abs(probability - x) > t * np.sqrt(spread))

    return _edge(outside, probability, 0.0), _edge(outside, probability, 1.0)


def _edge(outside: Callable[[float], bool], inside: float, end: float) -> float:
    """Finds the end of the interval between `inside` and `end` by bisection; it is `end` itself if that is still inside."""
    if not outside(end):
        return end
    for _ in range(60):
        middle = (inside + end) / 2
        inside, end = (inside, middle) if outside(middle) else (middle, end)
    return (inside + end) / 2
