"""Selects what is kept: n-grams before embedding, clusters after it.

Cluster DF(c) is the number of distinct solutions with at least one member of c (paper section 2.1, step 2; the backend
counts it). The clusters in the top share by it are kept, and the lexicon is the union of their members (step 3).

Deviations:
MINE-5. Only closed n-grams are embedded (setting `closed`): one that always stands inside the same longer n-gram (as often, in
    as many solutions) says nothing more than the longer one, and marks no other text.
MINE-6. At most `max_embedded` n-grams are embedded: those in the most solutions; text breaks ties.
MINE-7. "Top 20 %" is rounded up and is at least one cluster; the first gram breaks ties between clusters.
"""

from __future__ import annotations

import math

import numpy as np

from hicra.arrays import Hashes, Int32s, Ints
from hicra.mining.counting.ngrams import Grams

_PRIME = np.uint64(0x9E3779B97F4A7C15)


def inside_longer(grams: Grams, left: Int32s, right: Int32s) -> Ints:
    """Returns the row of an n-gram one word longer that this one always stands inside, [G] int64; -1 where there is none.

    "Always" means that the longer one has the same document frequency and the same number of occurrences. Where a word on
    the left and a word on the right both lead to such an n-gram, the later row (by text) is named.

    Args:
        grams: counted n-grams, all lengths together.
        left, right: [V] the id of each word without the punctuation on its left (right), as in `Tokens`.
    """
    keys = _row_keys(grams.words)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    found = np.full(len(keys), -1, np.int64)
    for n in np.unique(grams.n).tolist():
        longer = np.flatnonzero(grams.n == n)
        if n == 1 or not longer.size:
            continue
        for offset in (0, 1):
            part = np.zeros((len(longer), grams.words.shape[1]), np.int32)
            part[:, : n - 1] = grams.words[longer, offset : offset + n - 1]
            part[:, 0] = left[part[:, 0]]
            part[:, n - 2] = right[part[:, n - 2]]
            where = np.minimum(np.searchsorted(ordered, _row_keys(part)), len(keys) - 1)
            shorter = order[where]
            same = (
                (grams.words[shorter] == part).all(axis=1)
                & (grams.doc_freq[shorter] == grams.doc_freq[longer])
                & (grams.occurrences[shorter] == grams.occurrences[longer])
            )
            np.maximum.at(found, shorter[same], longer[same])
    return found


def _row_keys(words: Int32s) -> Hashes:
    """Returns a hash of each row of word ids, [G] uint64; callers compare the rows of equal keys."""
    keys = np.zeros(len(words), np.uint64)
    for column in words.T:
        mixed = (column.astype(np.uint64) + np.uint64(1)) * _PRIME
        keys = (keys ^ mixed ^ (mixed >> np.uint64(29))) * _PRIME
    return keys


def most_frequent(grams: Grams, most: int) -> Ints:
    """Returns the rows of the `most` grams in the most solutions, in order of text; text breaks ties."""
    order = np.argsort(-grams.doc_freq, kind="stable")  # grams are sorted by text
    return np.sort(order[:most])


def rank_clusters(labels: Ints, frequency: Ints) -> Ints:
    """Returns the clusters, without empty ones, from the highest document frequency down, [K]; the first gram breaks ties.

    Args:
        labels: [G] the cluster of each gram, grams sorted by text.
        frequency: document frequency of each cluster.
    """
    present, first = np.unique(labels, return_index=True)
    return np.asarray(present[np.lexsort((first, -frequency[present]))], np.int64)


def top_clusters(ranked: Ints, share: float) -> Ints:
    """Returns the first `share` of ranked clusters, rounded up, at least one."""
    return ranked[: max(1, math.ceil(round(share * len(ranked), 9)))]
