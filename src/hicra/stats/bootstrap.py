"""The cluster bootstrap: intervals of any figures that come from sums over clusters which are not independent inside.

Sentences of one trace and traces of one question lean the same way, so a question is drawn with all that belongs to it.
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
    """Percentile intervals over clusters drawn with replacement.

    Args:
        clusters: [K,D] sums of each cluster.
        figures: from sums [R,D] of R resamples to name -> [R].
        resamples, seed: number and seed of the draws.

    Returns:
        name -> (low, high).
    """
    size = len(clusters)
    draws = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), resamples)
    tail = 50 * (1 - confidence)
    return {
        name: (float(np.percentile(values, tail)), float(np.percentile(values, 100 - tail)))
        for name, values in figures(draws @ clusters).items()
    }
