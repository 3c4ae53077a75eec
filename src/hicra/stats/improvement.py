"""Probability of improvement: the chance that a new treatment run beats a new baseline run.

Mann and Whitney's statistic, as rliable uses it (Agarwal et al. 2021), with an interval that stays honest at 0 and 1.

Deviations:
STATS-1. rliable bootstraps the interval, which collapses to one point when every treatment run beats every baseline run;
    this one is Newcombe's score interval (2006, his method 5), with a t quantile for the few runs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import stdtrit

from hicra.arrays import Floats


def prob_improvement(treatment: Floats, baseline: Floats) -> float:
    """Share of all (treatment, baseline) pairs in which the treatment is larger; ties count half."""
    ranked = np.sort(baseline)
    below = np.searchsorted(ranked, treatment, "left").sum()
    not_above = np.searchsorted(ranked, treatment, "right").sum()
    return float((below + not_above) / (2 * len(treatment) * len(baseline)))


def improvement_interval(probability: float, m: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a probability of improvement from m treatment and n baseline runs; [0, 1] from a single run.

    All x with abs(probability - x) <= t sqrt(V(x)), where
    V(x) = x (1-x) / (m n) * [1 + (N-1) ((1-x) / (2-x) + x / (1+x))], N = (m+n)/2, t of N - 1 degrees of freedom.
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
    """The border between `inside` and `end`, by halving; `end` itself where that is still inside."""
    if not outside(end):
        return end
    for _ in range(60):
        middle = (inside + end) / 2
        inside, end = (inside, middle) if outside(middle) else (middle, end)
    return (inside + end) / 2
