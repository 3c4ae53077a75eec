"""Intervals of a mean over questions, for two different targets, which are never mixed up.

THESE   "for these questions": the questions are fixed and only the sampling varies. If the same questions were sampled
        anew, how far would the mean move?
LIKE    "for questions like these": the questions are a sample themselves, so they are the unit (clustered by question).

Both are Wilson intervals at the effective number of draws, p (1 - p) / variance of the mean: they stay inside [0, 1] and
do not shrink to a point at 0 or 1 (Dean and Pagano 2015 compare such intervals for clustered proportions). THESE uses the
normal quantile, LIKE Student's t with questions - 1 degrees of freedom.

Deviations (the paper reports means alone):
    D1  a question whose samples all agree is not taken for certain: for THESE its probability is (c + 1/2) / (n + 1).
    D2  where a variance is 0, the effective number is the number of questions (LIKE): a whole set of equal means says
        no more than that many independent draws.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, ndtri, stdtrit

from hicra.arrays import Floats, Ints
from hicra.metrics.passk import pass_at_k

THESE, LIKE = "for these questions", "for questions like these"


def like_these(values: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the mean over questions like these.

    Args:
        values: [Q] one number in [0, 1] a question (its share of right samples, or its pass@k).
        confidence: in (0, 1).

    Returns:
        (low, high); (0, 1) for a single question, which says nothing of others.
    """
    questions = len(values)
    if questions < 2:
        return 0.0, 1.0
    # Equal values have a variance of 1e-33 where their mean is rounded: that is 0, not 1e32 draws.
    variance = float(values.var(ddof=1)) / questions if np.ptp(values) > 1e-12 else 0.0
    quantile = float(stdtrit(questions - 1, (1 + confidence) / 2))
    return wilson(float(values.mean()), variance, questions, quantile)


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
    questions, quantile = len(n), float(ndtri((1 + confidence) / 2))
    # n // k disjoint groups of k samples are the least that a question offers, and questions that differ only help
    mean, variance, least = values / questions, variance / questions**2, int((n // k).sum())
    return wilson(mean, min(variance, mean * (1 - mean) / least), least, quantile)


def sampling_variance(n: int, c: int, k: int) -> float:
    """Variance of the pass@k estimate of one question under new samples: exact, at probability (c + 1/2) / (n + 1)."""
    p = (c + 0.5) / (n + 1)
    if k == 1:
        return p * (1 - p) / n
    right = np.arange(n + 1)
    weights = np.exp(
        gammaln(n + 1)
        - gammaln(right + 1)
        - gammaln(n - right + 1)
        + right * math.log(p)
        + (n - right) * math.log1p(-p)
    )
    values = np.array([pass_at_k(n, int(each), k) for each in right])
    mean = float(weights @ values)
    return float(weights @ (values - mean) ** 2)


def wilson(mean: float, variance: float, least: int, quantile: float) -> tuple[float, float]:
    """Wilson interval of a mean in [0, 1] whose estimate has that variance; `least` draws where it says nothing.

    >>> low, high = wilson(0.5, 0.25 / 100, 100, 1.96)  # 50 of 100
    >>> round(low, 4), round(high, 4)
    (0.4038, 0.5962)
    """
    spread = mean * (1 - mean)
    draws = spread / variance if variance > 0 and spread > 0 else float(least)
    scale = 1 + quantile**2 / draws
    centre = mean + quantile**2 / (2 * draws)
    half = quantile * math.sqrt(spread / draws + quantile**2 / (4 * draws**2))
    return max(0.0, min(mean, (centre - half) / scale)), min(1.0, max(mean, (centre + half) / scale))
