"""Intervals of a mean over questions, for two different targets, which are never mixed up.

THESE   "for these questions": the questions are fixed and only the sampling varies. If the same questions were sampled
        anew, how far would the mean move?
LIKE    "for questions like these": the questions are a sample themselves, so they are the unit (clustered by question):
        `stats.wilson_over_groups`.

Both are Wilson intervals at the effective number of draws (stats/wilson.py). THESE uses the normal quantile, LIKE Student's t
with questions - 1 degrees of freedom. What stands here is how much pass@k of a question varies.

Deviations (the paper reports means alone):
    EVAL-1. A question whose samples all agree is not taken for certain: for THESE its probability is (c + 1/2) / (n + 1).
    EVAL-2. Where a variance is 0, the effective number is the number of questions (LIKE): a whole set of equal means says
        no more than that many independent draws.
"""

from __future__ import annotations

import numpy as np

from hicra import stats
from hicra.arrays import Ints
from hicra.metrics.passk import pass_at_k

THESE, LIKE = "for these questions", "for questions like these"


def these(n: Ints, c: Ints, k: int = 1, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the mean pass@k of exactly these questions (k = 1: of their mean share of right samples).

    Args:
        n, c: [Q] samples and right samples of each question, k <= n.
        k: of pass@k.
        confidence: in (0, 1).
    """
    values, variance = 0.0, 0.0
    known: dict[tuple[int, int], tuple[float, float]] = {}
    for pair in zip(n.tolist(), c.tolist(), strict=True):
        if pair not in known:
            known[pair] = (pass_at_k(*pair, k), sampling_variance(*pair, k))
        values += known[pair][0]
        variance += known[pair][1]
    # n // k disjoint groups of k samples are the least that a question offers, and questions that differ only help
    mean, variance, least = values / len(n), variance / len(n) ** 2, int((n // k).sum())
    return stats.wilson_of_share(
        mean, min(variance, mean * (1 - mean) / least), least, stats.normal_quantile(confidence)
    )


def sampling_variance(n: int, c: int, k: int) -> float:
    """Variance of the pass@k estimate of one question under new samples: exact, at probability (c + 1/2) / (n + 1)."""
    p = (c + 0.5) / (n + 1)
    if k == 1:
        return p * (1 - p) / n
    return stats.binomial_variance(np.array([pass_at_k(n, each, k) for each in range(n + 1)]), p)
