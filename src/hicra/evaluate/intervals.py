"""Intervals of a mean over questions, for two different targets that are kept apart.

THESE   "for these questions": the questions are fixed and only the sampling varies. The interval says how far the mean would
        move if the same questions were sampled again.
LIKE    "for questions like these": the questions are a sample themselves, so the interval is over questions (clustered by
        question).

THESE is Wilson's interval with the effective number of draws (stats/wilson.py); this module computes how much pass@k of a
question varies. LIKE weighs the questions at random (stats/shares.py), since the variance between few questions says too little
where nearly all of them are always solved.

Deviations (the paper reports only means):
    EVAL-1. A question whose samples all agree is not taken to be certain: for THESE its probability is (c + 1/2) / (n + 1).
    EVAL-2. Half a question that is never solved joins the questions for the lower limit of LIKE, and half a question that is
        always solved for the upper one (STATS-4). One question says nothing of others: its interval is [0, 1].
"""

from __future__ import annotations

import numpy as np

from hicra import stats
from hicra.arrays import Floats, Ints
from hicra.metrics.passk import pass_at_k

THESE, LIKE = "for these questions", "for questions like these"


def these(n: Ints, c: Ints, k: int = 1, confidence: float = 0.95) -> tuple[float, float]:
    """Computes the interval of the mean pass@k of exactly these questions (for k = 1, of the mean share of right samples).

    Args:
        n, c: [Q] numbers of samples and of right samples of each question, k <= n.
        k: of pass@k.
        confidence: of the interval, in (0, 1).

    Returns:
        (low, high).
    """
    values, variance = 0.0, 0.0
    known: dict[tuple[int, int], tuple[float, float]] = {}
    for pair in zip(n.tolist(), c.tolist(), strict=True):
        if pair not in known:
            known[pair] = (pass_at_k(*pair, k), sampling_variance(*pair, k))
        values += known[pair][0]
        variance += known[pair][1]
    # a question gives at least n // k disjoint groups of k samples, and differences between questions only narrow the interval
    mean, variance, least = values / len(n), variance / len(n) ** 2, int((n // k).sum())
    return stats.wilson_of_share(
        mean, min(variance, mean * (1 - mean) / least), least, stats.normal_quantile(confidence)
    )


def like_these(values: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Computes the interval of the mean over questions like these.

    Args:
        values: [Q] pass@k of each question (for k = 1, its share of right samples).
        confidence: of the interval, in (0, 1).

    Returns:
        (low, high); a single question says nothing of others and gives (0, 1).
    """
    return stats.mean_share_interval(values, confidence) if len(values) > 1 else (0.0, 1.0)


def sampling_variance(n: int, c: int, k: int) -> float:
    """Computes the exact variance of one question's pass@k estimate over new samples, at probability (c + 1/2) / (n + 1)."""
    p = (c + 0.5) / (n + 1)
    if k == 1:
        return p * (1 - p) / n
    return stats.binomial_variance(np.array([pass_at_k(n, each, k) for each in range(n + 1)]), p)
