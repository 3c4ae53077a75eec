"""Clusterers turn vectors into cluster labels. The paper names no algorithm and no number of clusters.

Deviations:
MINE-9. The default is `agglomerative`: average linkage of cosine distances, on one thread, with vectors rounded to 1e-4. It draws
    nothing and takes at most 5,000 n-grams. `minibatch_kmeans` is seeded and works on unit vectors (so Euclidean order is cosine
    order).
MINE-10. Where k is not set, it is the square root of the number of grams, rounded up, but at least 50 and at most 512
     (`choose_k`). Below 50 the top 20 % would be a handful of large clusters, each kept or dropped as a whole.
MINE-17. `hdbscan` finds the number of clusters itself and leaves some n-grams outside all of them (noise): those are not in
     the lexicon, and are counted as `noise`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from hicra.arrays import Floats, Ints, Vectors
from hicra.errors import ConfigError, did_you_mean

MIN_K, MAX_K = 50, 512
NOISE = -1  # the label of a gram outside all clusters


class Clusterer(Protocol):
    """Says what mining needs of a clusterer. It must give the same labels for the same vectors in every process."""

    takes_k: bool
    most: int | None  # the largest number of vectors, where there is one

    def describe(self) -> dict[str, Any]:
        """Returns what is recorded in the lexicon: name and parameters."""
        ...

    def labels(self, vectors: Vectors, k: int, seed: int) -> Ints:
        """Returns labels [G] int64 from 0: at most `k` different ones where it takes k, `NOISE` outside all clusters."""
        ...


class MiniBatchKMeans:
    """Clusters with scikit-learn's mini-batch k-means."""

    takes_k = True
    most: int | None = None
    batch, starts, iterations = 2048, 3, 100

    def describe(self) -> dict[str, Any]:
        return {"name": "minibatch_kmeans", "batch": self.batch, "starts": self.starts, "iterations": self.iterations}

    def labels(self, vectors: Vectors, k: int, seed: int) -> Ints:
        from sklearn import cluster

        points, distinct, where = _distinct(vectors)
        if k >= len(distinct):
            return where
        with _one_thread():  # sums of floats depend on how threads share them out
            model = cluster.MiniBatchKMeans(
                k, batch_size=self.batch, n_init=self.starts, max_iter=self.iterations, random_state=seed
            )
            return np.asarray(model.fit_predict(points), np.int64)


class Hdbscan:
    """Clusters with scikit-learn's HDBSCAN on unit vectors; it takes no seed and no k."""

    takes_k = False
    most: int | None = None
    smallest = 5

    def describe(self) -> dict[str, Any]:
        return {"name": "hdbscan", "min_cluster_size": self.smallest, "metric": "euclidean"}

    def labels(self, vectors: Vectors, k: int, seed: int) -> Ints:
        from sklearn import cluster

        points, _, _ = _distinct(vectors)
        if len(points) < self.smallest:
            return np.full(len(points), NOISE, np.int64)
        with _one_thread():
            model = cluster.HDBSCAN(min_cluster_size=self.smallest, n_jobs=1, copy=True)
            return np.maximum(np.asarray(model.fit_predict(points), np.int64), NOISE)


class Agglomerative:
    """Clusters with scikit-learn's agglomerative clustering: average linkage of cosine distances; it takes no seed."""

    takes_k = True
    most: int | None = 5000  # memory and time grow with the square

    def describe(self) -> dict[str, Any]:
        return {"name": "agglomerative", "linkage": "average", "metric": "cosine"}

    def labels(self, vectors: Vectors, k: int, seed: int) -> Ints:
        from sklearn import cluster

        _, distinct, where = _distinct(vectors)
        if k >= len(distinct):
            return where
        with _one_thread():
            model = cluster.AgglomerativeClustering(k, linkage="average", metric="cosine")
            return np.asarray(model.fit_predict(distinct), np.int64)[where]


CLUSTERERS: dict[str, Callable[[], Clusterer]] = {
    "agglomerative": Agglomerative,
    "hdbscan": Hdbscan,
    "minibatch_kmeans": MiniBatchKMeans,
}


def choose_k(grams: int) -> int:
    """Returns the number of clusters for so many grams (MINE-10).

    >>> choose_k(30), choose_k(1000), choose_k(10000), choose_k(10001), choose_k(10**9)
    (30, 50, 100, 101, 512)
    """
    root = math.isqrt(max(grams - 1, 0)) + 1
    return min(max(root, MIN_K), MAX_K, grams)


def get_clusterer(name: str, k: int | None = None, embedded: int = 0) -> Clusterer:
    """Returns a clusterer by name.

    Args:
        name: see `CLUSTERERS`.
        k: the number of clusters that was asked for, if any.
        embedded: the largest number of n-grams that it may be given.

    Raises:
        ConfigError: the name is unknown, `k` is given to a clusterer that finds it itself, or `embedded` is too many for it.
    """
    if name not in CLUSTERERS:
        raise ConfigError(f"no clusterer {name!r}", did_you_mean(name, CLUSTERERS))
    clusterer = CLUSTERERS[name]()
    if k is not None and not clusterer.takes_k:
        raise ConfigError(f"clusterer {name!r} finds the number of clusters itself: k {k} means nothing", "leave k out")
    if clusterer.most is not None and embedded > clusterer.most:
        raise ConfigError(
            f"clusterer {name!r} takes at most {clusterer.most} n-grams, and max_embedded is {embedded}",
            f"set max_embedded to {clusterer.most} or less, or the clusterer to minibatch_kmeans",
        )
    return clusterer


def _distinct(vectors: Vectors) -> tuple[Floats, Floats, Ints]:
    """Returns the rounded vectors, the distinct ones sorted, and which of those each vector is."""
    points = np.asarray(np.round(vectors.astype(np.float64), 4), np.float64)
    distinct, where = np.unique(points, axis=0, return_inverse=True)
    return points, distinct, where.reshape(-1).astype(np.int64)


def _one_thread() -> Any:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(limits=1)
