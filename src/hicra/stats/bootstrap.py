"""The cluster bootstrap: intervals of figures that are computed from sums over clusters of dependent observations.

Sentences of one trace are not independent of each other, nor are traces of one question. So a question is drawn together with
all that belongs to it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hicra.arrays import Array, Floats


def cluster_bootstrap(
    clusters: Array,
    figures: Callable[[Array], dict[str, Floats]],
    resamples: int,
    seed: int,
    confidence: float,
) -> dict[str, tuple[float, float]]:
    """Computes percentile intervals over clusters that are drawn with replacement.

    Args:
        clusters: [K,D] sums of each cluster.
        figures: a function that turns the sums [R,D] of R resamples into {name: values [R]}.
        resamples, seed: number of resamples and seed of the draws.
        confidence: of the intervals, in (0, 1).

    Returns:
        {name: (low, high)}.
    """
    size = len(clusters)
    draws = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), resamples)
    tail = 50 * (1 - confidence)
    return {
        name: (float(np.percentile(values, tail)), float(np.percentile(values, 100 - tail)))
        for name, values in figures(draws @ clusters).items()
    }
