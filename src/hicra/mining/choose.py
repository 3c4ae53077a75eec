"""Makes the lexicon's table from counted n-grams: closed ones, criteria, vectors, clusters, joining, the top share.

Nothing here sees the corpus. What must be counted in it is asked for through a callable, `Holders`, so the solutions may be
in memory, on disk or with other workers.

Deviations (the others stand where they act; docs/deviations.md has them all):
MINE-16. With `rare_join` S, a rare n-gram past `max_embedded` joins the cluster whose mean vector is nearest, when the cosine
     is at least S. This is done before cluster DF is counted. It is off by default, since each such n-gram costs an embedding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hicra.arrays import Bools, Floats, Int32s, Ints, Vectors
from hicra.errors import DataError
from hicra.mining import criteria, select
from hicra.mining.cluster import NOISE, choose_k, get_clusterer
from hicra.mining.counting.ngrams import Grams
from hicra.mining.embedders.interface import Embedder
from hicra.mining.embedders.open import get_embedder
from hicra.mining.settings import MineSettings
from hicra.text.words import count_words

JOIN_BATCH = 4096


class Holders(Protocol):
    """Counts the solutions of a corpus that hold certain grams."""

    def __call__(self, grams: Grams, labels: Ints, /) -> Ints:
        """Returns the distinct solutions (or questions) with at least one gram of each label, [K] int64, K = labels.max() + 1.

        Args:
            grams: G grams out of those that were counted, in any order.
            labels: [G] int64 from 0.
        """
        ...


class Fate(IntEnum):
    """Says at which stage an n-gram was dropped, or that it was kept."""

    INSIDE_LONGER = 0
    REPEATED = 1
    BURSTY = 2
    NO_CONTRAST = 3
    PAST_CUT = 4
    NOISE = 5
    LOW_CLUSTER = 6
    KEPT = 7


@dataclass(frozen=True)
class Contrast:
    """Says where incorrect solutions are counted.

    Attributes:
        holders: counts among the incorrect solutions.
        documents: how many of them there are.
    """

    holders: Holders
    documents: int


@dataclass(frozen=True)
class Chosen:
    """Holds what became of every counted n-gram.

    Attributes:
        grams: the G counted n-grams, as given.
        table: the members of the kept clusters: gram, n, cluster (0 = highest cluster DF), cluster_df, doc_freq,
            mean_per_doc; sorted by gram.
        statistics: how much was left after each stage.
        details: how embedder and clusterer describe themselves; recorded over the settings, so that no path of a model or of
            vectors is recorded.
        fate: [G] int8, values of `Fate`.
        cluster: [G] int64, rank of the gram's cluster by cluster DF, kept or not; -1 without a cluster.
        cluster_df: [K] int64, by rank.
        inside: [G] int64, row of the longer n-gram it always stands inside; -1 without one.
        values: [G] float64 for each criterion that was asked for (`mean_per_doc`, `residual_idf`, `odds_ratio`).
        joined: [G] bool, whether it joined its cluster by MINE-16.
    """

    grams: Grams
    table: pl.DataFrame
    statistics: dict[str, Any]
    details: dict[str, Any]
    fate: NDArray[np.int8]
    cluster: Ints
    cluster_df: Ints
    inside: Ints
    values: dict[str, Floats]
    joined: Bools


def choose(
    grams: Grams,
    holders: Holders,
    settings: MineSettings,
    *,
    left: Int32s,
    right: Int32s,
    documents: int,
    contrast: Contrast | None = None,
    embedder: Embedder | None = None,
) -> Chosen:
    """Makes the lexicon's table out of counted n-grams.

    Args:
        grams: at least one, sorted by text.
        holders: counts in the mined corpus.
        settings: with the embedder named or not.
        left, right: [V] the id of each word without the punctuation on its left (right), as in `Tokens`.
        documents: the number of distinct solutions (or questions) that were counted.
        contrast: the incorrect solutions; needed when `settings.contrast` is set.
        embedder: the one to use in place of the named one.

    Raises:
        ConfigError: a setting does not fit the clusterer or the embedder.
        DataError: nothing is left after a criterion.
    """
    settings = settings.resolved()
    vectors_of = embedder or get_embedder(str(settings.embedder))
    clusterer = get_clusterer(settings.clusterer, settings.k, settings.max_embedded)
    fate = np.full(len(grams.text), Fate.PAST_CUT, np.int8)
    inside = select.inside_longer(grams, left, right) if settings.closed else np.full(len(grams.text), -1, np.int64)
    fate[inside >= 0] = Fate.INSIDE_LONGER
    statistics: dict[str, Any] = {"ngrams_closed": int((inside < 0).sum())}
    values = _criteria(grams, holders, settings, documents, contrast, fate, statistics)

    open_rows = np.flatnonzero(fate == Fate.PAST_CUT)
    taken = open_rows[select.most_frequent(grams.take(open_rows), settings.max_embedded)]
    embedded = grams.take(taken)
    vectors = vectors_of.embed(embedded.text)
    k = min(settings.k or choose_k(len(taken)), len(taken))
    labels = np.full(len(grams.text), NOISE, np.int64)
    labels[taken] = clusterer.labels(vectors, k, settings.seed)
    fate[taken] = np.where(labels[taken] == NOISE, Fate.NOISE, Fate.LOW_CLUSTER)
    statistics |= {"embedded": len(taken), "k": k if clusterer.takes_k else None}
    statistics["noise"] = int((labels[taken] == NOISE).sum())
    if statistics["noise"] == len(taken):
        raise DataError(
            f"clusterer {settings.clusterer!r} calls all {len(taken)} n-grams noise",
            "mine more solutions, or use --clusterer minibatch_kmeans",
        )
    joined = np.zeros(len(labels), bool)
    if settings.rare_join is not None:
        rare = open_rows[~np.isin(open_rows, taken)]
        rare = rare[select.most_frequent(grams.take(rare), settings.max_joined)]
        labels[rare] = join(vectors, labels[taken], vectors_of, grams.take(rare).text, settings.rare_join)
        joined[rare] = labels[rare] != NOISE
        fate[joined] = Fate.LOW_CLUSTER
        statistics |= {"rare_tried": len(rare), "rare_joined": int(joined.sum())}

    rows = np.flatnonzero(labels != NOISE)
    frequency = holders(grams.take(rows), labels[rows])
    ranked = select.rank_clusters(labels[rows], frequency)
    kept = select.top_clusters(ranked, settings.top_clusters)
    rank = np.full(len(frequency), -1, np.int64)
    rank[ranked] = np.arange(len(ranked))
    cluster = np.where(labels == NOISE, -1, rank[labels])
    fate[(cluster >= 0) & (cluster < len(kept))] = Fate.KEPT
    table = _table(grams, cluster, frequency[ranked], np.flatnonzero(fate == Fate.KEPT))
    statistics |= {
        "clusters": len(ranked),
        "clusters_kept": len(kept),
        "lowest_cluster_df_kept": int(frequency[kept[-1]]),
        "grams": table.height,
    }
    details = {
        "embedder": vectors_of.describe()["name"],
        "embedder_details": vectors_of.describe(),
        "clusterer_details": clusterer.describe(),
    }
    return Chosen(grams, table, statistics, details, fate, cluster, frequency[ranked], inside, values, joined)


def join(vectors: Vectors, labels: Ints, embedder: Embedder, rare: list[str], least: float) -> Ints:
    """Returns the cluster with the nearest mean vector of each rare n-gram, [R] int64; `NOISE` below cosine `least` (MINE-16).

    Ties go to the lower label. Mean vectors are taken in float64 over unit vectors, then brought to unit length.

    Args:
        vectors: [G, D] float32 of the clustered n-grams.
        labels: [G] their clusters, `NOISE` where they have none.
    """
    if not rare:
        return np.empty(0, np.int64)
    known = labels != NOISE
    means = np.zeros((int(labels.max()) + 1, vectors.shape[1]), np.float64)
    np.add.at(means, labels[known], vectors[known].astype(np.float64))
    length = np.sqrt((means * means).sum(axis=1, keepdims=True))
    means /= np.where(length == 0, 1, length)
    found = embedder.embed(rare).astype(np.float64)
    result = np.empty(len(rare), np.int64)
    for low in range(0, len(rare), JOIN_BATCH):
        cosine = np.round(found[low : low + JOIN_BATCH] @ means.T, 4)
        nearest = cosine.argmax(axis=1)
        result[low : low + JOIN_BATCH] = np.where(cosine.max(axis=1) >= least, nearest, NOISE)
    return result


def _criteria(
    grams: Grams,
    holders: Holders,
    settings: MineSettings,
    documents: int,
    contrast: Contrast | None,
    fate: NDArray[np.int8],
    statistics: dict[str, Any],
) -> dict[str, Floats]:
    """Returns values of the criteria that are set; marks in `fate` what fails one, in order, and counts what is left."""
    values: dict[str, Floats] = {}
    if settings.max_per_doc is not None:
        values["mean_per_doc"] = criteria.mean_per_doc(grams.doc_freq, grams.occurrences)
        _drop(fate, values["mean_per_doc"] > settings.max_per_doc, Fate.REPEATED, "max_per_doc", statistics)
    if settings.burstiness is not None:
        values["residual_idf"] = criteria.residual_idf(grams.doc_freq, grams.occurrences, documents)
        _drop(fate, values["residual_idf"] > settings.burstiness, Fate.BURSTY, "burstiness", statistics)
    if settings.contrast is not None:
        if contrast is None or contrast.documents == 0:
            raise DataError(
                "contrast needs incorrect solutions, and there are none",
                "add rows with correct false, or drop contrast",
            )
        rows = np.flatnonzero(fate == Fate.PAST_CUT)
        wrong = np.zeros(len(grams.text), np.int64)
        wrong[rows] = contrast.holders(grams.take(rows), np.arange(len(rows)))
        ratio = criteria.odds_ratio(grams.doc_freq, documents, wrong, contrast.documents)
        values["odds_ratio"] = np.where(fate == Fate.PAST_CUT, ratio, np.nan)
        _drop(fate, ratio < settings.contrast, Fate.NO_CONTRAST, "contrast", statistics)
    return values


def _drop(fate: NDArray[np.int8], fails: Bools, reason: Fate, setting: str, statistics: dict[str, Any]) -> None:
    fate[(fate == Fate.PAST_CUT) & fails] = reason
    left = int((fate == Fate.PAST_CUT).sum())
    statistics[f"ngrams_{setting}"] = left
    if not left:
        without = "mine with --preset paper" if setting == "burstiness" else "leave it out"
        raise DataError(f"no n-gram passes {setting}", f"loosen {setting}, or {without}")


def _table(grams: Grams, cluster: Ints, cluster_df: Ints, rows: Ints) -> pl.DataFrame:
    """Returns the table of the lexicon: `rows` of the counted n-grams."""
    return pl.DataFrame(
        {
            "gram": [grams.text[row] for row in rows.tolist()],
            "n": [count_words(grams.text[row]) for row in rows.tolist()],
            "cluster": cluster[rows],
            "cluster_df": cluster_df[cluster[rows]],
            "doc_freq": grams.doc_freq[rows],
            "mean_per_doc": criteria.mean_per_doc(grams.doc_freq[rows], grams.occurrences[rows]),
        }
    )
