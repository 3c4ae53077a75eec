"""What is kept: n-grams before embedding, clusters after it.

Cluster DF(c) = number of distinct solutions with at least one member of c (paper section 2.1, step 2); the clusters in
the top share by it are kept, and the lexicon is the union of their members (step 3).

Deviations:
D5. Only closed n-grams are embedded: one that always stands inside the same longer n-gram (as often, in as many
    solutions) says nothing more than that, and marks no other text. Setting `closed`.
D6. At most `max_embedded` n-grams are embedded: those in the most solutions, ties by text.
D7. "Top 20 %" is rounded up and at least one cluster; clusters tie by their first gram.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hicra.mining.ngrams import Grams, Ints, codes_of, gram_hash, strip_edges, windows
from hicra.mining.words import Tokens


def closed(tokens: Tokens, grams: Grams) -> NDArray[np.bool_]:
    """[G] bool: no n-gram one word longer holds this one with the same document frequency and number of occurrences."""
    codes = codes_of(tokens, grams.salt)
    order = np.argsort(grams.hash)
    keys = grams.hash[order]
    keep = np.ones(len(keys), bool)
    for n in np.unique(grams.n).tolist():
        longer = np.flatnonzero(grams.n == n)
        words = grams.words[longer, :n]
        for part in (words[:, :-1], words[:, 1:]):
            if part.shape[1] == 0:
                continue
            hashes = gram_hash(strip_edges(tokens, part.copy()), codes)
            where = np.minimum(np.searchsorted(keys, hashes), len(keys) - 1)
            shorter = order[where]
            same = (
                (keys[where] == hashes)
                & (grams.doc_freq[shorter] == grams.doc_freq[longer])
                & (grams.occurrences[shorter] == grams.occurrences[longer])
            )
            keep[shorter[same]] = False
    return keep


def most_frequent(grams: Grams, most: int) -> Ints:
    """Rows of the `most` grams in the most solutions, ties by text, in order of text."""
    order = np.argsort(-grams.doc_freq, kind="stable")  # grams are sorted by text
    return np.sort(order[:most])


def cluster_df(tokens: Tokens, grams: Grams, labels: Ints) -> Ints:
    """[K] int64: distinct solutions that hold at least one member of each cluster.

    Args:
        labels: [G] the cluster of each gram.
    """
    codes, clusters = codes_of(tokens, grams.salt), int(labels.max()) + 1
    order = np.argsort(grams.hash)
    keys, labels = grams.hash[order], labels[order]
    documents = np.repeat(np.arange(len(tokens.starts) - 1, dtype=np.int64), np.diff(tokens.starts))
    pairs = np.empty(0, np.int64)
    for n in np.unique(grams.n).tolist():
        for start, hashes in windows(tokens, codes, n):
            where = np.minimum(np.searchsorted(keys, hashes), len(keys) - 1)
            hit = keys[where] == hashes
            pairs = np.union1d(pairs, documents[start[hit]] * clusters + labels[where[hit]])
    return np.bincount(pairs % clusters, minlength=clusters).astype(np.int64)


def rank_clusters(grams: Grams, labels: Ints, frequency: Ints) -> Ints:
    """[K] the clusters from the highest document frequency down, ties by the first gram, without empty ones."""
    first: dict[int, int] = {}
    for row, label in enumerate(labels.tolist()):
        first.setdefault(label, row)  # grams are sorted by text
    return np.array(sorted(first, key=lambda label: (-int(frequency[label]), first[label])), np.int64)


def top_clusters(ranked: Ints, share: float) -> Ints:
    """The first `share` of ranked clusters, rounded up, at least one."""
    return ranked[: max(1, math.ceil(round(share * len(ranked), 9)))]
