"""Intervals over questions, for claims about questions like these and not only about these very questions.

The t interval over seeds takes the questions as given. But the 30 questions of a benchmark are a sample themselves, so a claim
about "questions like these" needs one of the intervals here. Both take complete differences [seeds, questions].

Deviations:
STATS-2. The variance of the two-way crossed interval is never taken to be below the larger of the two one-way variances
    MS / (n Q), although the difference of mean squares may be by chance.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from hicra.arrays import Floats
from hicra.stats.paired import check_confidence, t_interval


def question_interval(differences: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Computes the interval for new questions and these seeds: a t interval over the questions' mean differences [Q]."""
    return t_interval(differences.mean(axis=0), confidence)


def crossed_interval(differences: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Computes the two-way crossed interval, for new seeds and new questions; it is infinite for one seed or one question.

    The variance of the grand mean of n seeds x Q questions is (MS_seed + MS_question - MS_rest) / (n Q), with the mean squares
    of the two-way layout and Satterthwaite's degrees of freedom (and STATS-2).
    """
    check_confidence(confidence)
    n, q = differences.shape
    mean = float(differences.mean())
    if n < 2 or q < 2:
        return -np.inf, np.inf
    by_seed, by_question = differences.mean(axis=1), differences.mean(axis=0)
    rest = differences - by_seed[:, None] - by_question[None, :] + mean
    squares = np.array([
        q * ((by_seed - mean) ** 2).sum() / (n - 1),
        n * ((by_question - mean) ** 2).sum() / (q - 1),
        (rest**2).sum() / ((n - 1) * (q - 1)),
    ])  # fmt: skip
    freedom = np.array([n - 1, q - 1, (n - 1) * (q - 1)], np.float64)
    both = squares[0] + squares[1] - squares[2]
    if both >= squares[:2].max():
        variance, df = both, both**2 / max((squares**2 / freedom).sum(), 1e-300)
    else:
        larger = int(squares[1] > squares[0])
        variance, df = squares[larger], freedom[larger]
    half = float(stdtrit(max(df, 1.0), (1 + confidence) / 2) * np.sqrt(variance / (n * q)))
    return mean - half, mean + half
