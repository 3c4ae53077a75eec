"""Computes the criteria on n-grams. Only `burstiness` is on by default: the paper says "sparse within one solution", and no rule.

Deviations:
MINE-13. An n-gram should be sparse within one solution (paper section 2.1 says so and gives no rule): with `max_per_doc` M it
     is kept when occurrences / document frequency <= M. That ratio is always recorded as `mean_per_doc`.
MINE-14. With `burstiness` B, in bits, an n-gram is kept when its residual inverse document frequency (Church and Gale 1995) is
     at most B. That is log2 of the document frequency that independent occurrences would give over the one found:
     D (1 - exp(-occurrences / D)) / document frequency. Words of one topic pile up in few solutions and score high.
MINE-15. With `contrast` R, an n-gram is kept when its odds in correct solutions are at least R times its odds in incorrect
     ones, with 0.5 added to each of the four counts: ((c + .5) / (C - c + .5)) / ((w + .5) / (W - w + .5)).
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Floats, Ints


def mean_per_doc(doc_freq: Ints, occurrences: Ints) -> Floats:
    """Returns the occurrences per solution that holds the n-gram, at least 1, [G] float64 (MINE-13)."""
    return np.asarray(occurrences / doc_freq, np.float64)


def residual_idf(doc_freq: Ints, occurrences: Ints, documents: int) -> Floats:
    """Returns by how many bits an n-gram is in fewer solutions than if its occurrences were spread out, [G] float64 (MINE-14).

    >>> residual_idf(np.array([1, 10]), np.array([10, 10]), 10).round(3).tolist()
    [2.66, -0.662]
    """
    expected = documents * -np.expm1(-occurrences / documents)
    return np.asarray(np.log2(expected / doc_freq), np.float64)


def odds_ratio(right: Ints, n_right: int, wrong: Ints, n_wrong: int) -> Floats:
    """Returns the odds of being in a correct solution over those for an incorrect one, smoothed by 0.5, [G] float64 (MINE-15).

    Args:
        right, wrong: [G] number of correct (incorrect) solutions that hold the n-gram.
        n_right, n_wrong: number of correct (incorrect) solutions.

    >>> odds_ratio(np.array([3, 0]), 4, np.array([1, 0]), 4).round(3).tolist()
    [5.444, 1.0]
    """
    return np.asarray(((right + 0.5) / (n_right - right + 0.5)) / ((wrong + 0.5) / (n_wrong - wrong + 0.5)), np.float64)
