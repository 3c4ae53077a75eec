"""Clusterers: vectors to cluster labels. The paper names no algorithm and no number of clusters.

Deviations:
D9. Seeded mini-batch k-means on unit vectors (so Euclidean order is cosine order), one thread, vectors rounded to 1e-4.
D10. k where the setting is null: the square root of the number of grams, rounded up, but at least 50 and at most 512
     (`choose_k`). Below 50 the top 20 % would be a handful of large clusters, taken or left whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hicra.errors import ConfigError, did_you_mean

MIN_K, MAX_K = 50, 512


class Clusterer(Protocol):
    """What mining asks of a clusterer. It must give the same labels for the same vectors in every process."""

    def describe(self) -> dict[str, Any]:
        """What is recorded in the lexicon: name and parameters."""
        ...

    def labels(self, vectors: NDArray[np.float32], k: int, seed: int) -> NDArray[np.int64]:
        """[G] int64 from 0; at most `k` different ones."""
        ...


class MiniBatchKMeans:
    """scikit-learn's mini-batch k-means."""

    batch, starts, iterations = 2048, 3, 100

    def describe(self) -> dict[str, Any]:
        return {"name": "minibatch_kmeans", "batch": self.batch, "starts": self.starts, "iterations": self.iterations}

    def labels(self, vectors: NDArray[np.float32], k: int, seed: int) -> NDArray[np.int64]:
        from sklearn import cluster
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        points = np.round(vectors.astype(np.float64), 4)
        distinct, where = np.unique(points, axis=0, return_inverse=True)
        if k >= len(distinct):
            return where.reshape(-1).astype(np.int64)
        with threadpool_limits(limits=1):  # sums of floats depend on how they are shared out
            model = cluster.MiniBatchKMeans(
                k, batch_size=self.batch, n_init=self.starts, max_iter=self.iterations, random_state=seed
            )
            return np.asarray(model.fit_predict(points), np.int64)


CLUSTERERS: dict[str, Callable[[], Clusterer]] = {"minibatch_kmeans": MiniBatchKMeans}


def choose_k(grams: int) -> int:
    """The number of clusters for so many grams (D10).

    >>> choose_k(30), choose_k(1000), choose_k(10000), choose_k(10001), choose_k(10**9)
    (30, 50, 100, 101, 512)
    """
    root = math.isqrt(max(grams - 1, 0)) + 1
    return min(max(root, MIN_K), MAX_K, grams)


def get_clusterer(name: str) -> Clusterer:
    """A clusterer by name.

    Raises:
        ConfigError: unknown.
    """
    if name not in CLUSTERERS:
        raise ConfigError(f"no clusterer {name!r}", did_you_mean(name, CLUSTERERS))
    return CLUSTERERS[name]()
