"""Makes a sparse table of the sentences of labelled traces and the grams inside them, from which `fit` learns.

A gram here is any stretch of a folded sentence that neither starts nor ends inside a word, without digits, of at most
`words` words (as white space separates them) and at most `pieces` parts (a part is a word or one other character). So
"wait,", "=", "\\frac{" and "let me" are grams, and a gram is in a sentence exactly when the tagger finds it there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from hicra.arrays import Floats, Ints
from hicra.labels.traces import LabelledTrace
from hicra.text.fold import code_points, fold_points, inside_words, to_text
from hicra.text.sentences import sentences

_REFUSED = re.compile(r"[\d\0]")  # a digit belongs to a task, and no lexicon holds NUL


@dataclass(frozen=True, eq=False)
class SentenceTable:
    """Holds every sentence of some traces; sentences of texts that several annotators labelled occur once for each.

    Attributes:
        trace: [S] int64, index of the trace.
        start, end: [S] int64, character offsets without white space at the ends.
        share: [S] float64, share of its characters that lie in positive units.
        grams: [G] grams, sorted.
        present: [S,G] 0/1 float64 matrix (CSR): whether the gram is in the sentence.
    """

    trace: Ints
    start: Ints
    end: Ints
    share: Floats
    grams: list[str]
    present: sp.csr_matrix


def sentence_table(
    traces: Sequence[LabelledTrace], clusters: Sequence[int], words: int, pieces: int, least_clusters: int
) -> SentenceTable:
    """Makes the table of the traces, with the grams that occur in at least `least_clusters` different clusters.

    Args:
        clusters: [N] the cluster of each trace (its question).
    """
    trace: list[int] = []
    ranges: list[tuple[int, int]] = []
    shares: list[float] = []
    for index, one in enumerate(traces):
        for low, high in sentences(one.response):
            inside = np.minimum(one.end, high) - np.maximum(one.start, low)
            shares.append(float(np.maximum(inside, 0)[one.positive].sum()) / (high - low))
            ranges.append((low, high))
            trace.append(index)
    texts = [traces[index].response[low:high] for index, (low, high) in zip(trace, ranges, strict=True)]
    grams, present = _count(texts, [clusters[index] for index in trace], words, pieces, least_clusters)
    bounds = np.array(ranges, np.int64).reshape(-1, 2)
    return SentenceTable(np.array(trace, np.int64), bounds[:, 0], bounds[:, 1], np.array(shares), grams, present)


def _pieces(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Returns the folded text and the ranges of its parts: words and other characters."""
    folded = fold_points(code_points(text))
    whole, inside = to_text(folded.points), inside_words(folded.kind).tolist()
    out, at = [], 0
    while at < len(whole):
        end = at + 1
        while end < len(whole) and inside[end]:
            end += 1
        if whole[at] != " ":
            out.append((at, end))
        at = end
    return whole, out


def _count(
    texts: Sequence[str], clusters: Sequence[int], words: int, pieces: int, least: int
) -> tuple[list[str], sp.csr_matrix]:
    """Counts grams from short to long: a gram of k parts can only be frequent where its first k - 1 parts are."""
    cut = {text: _pieces(text) for text in set(texts)}
    alive = {text: list(range(len(parts))) for text, (_, parts) in cut.items()}
    found: dict[str, set[str]] = {text: set() for text in cut}
    for size in range(1, pieces + 1):
        here: dict[str, list[tuple[int, str]]] = {}
        for text, starts in alive.items():
            whole, parts = cut[text]
            level = [(i, whole[parts[i][0] : parts[i + size - 1][1]]) for i in starts if i + size <= len(parts)]
            here[text] = [(i, gram) for i, gram in level if gram.count(" ") < words]
        seen: dict[str, set[int]] = {}
        for text, cluster in zip(texts, clusters, strict=True):
            for _, gram in here[text]:
                seen.setdefault(gram, set()).add(cluster)
        frequent = {gram for gram, where in seen.items() if len(where) >= least and not _REFUSED.search(gram)}
        for text, level in here.items():
            alive[text] = [i for i, gram in level if gram in frequent]
            found[text].update(gram for _, gram in level if gram in frequent)
    grams = sorted(set().union(*found.values())) if found else []
    index = {gram: column for column, gram in enumerate(grams)}
    columns = [sorted(index[gram] for gram in found[text]) for text in texts]
    pointer = np.concatenate([[0], np.cumsum([len(row) for row in columns])]).astype(np.int64)
    flat = np.array([column for row in columns for column in row], np.int64)
    return grams, sp.csr_matrix((np.ones(len(flat)), flat, pointer), shape=(len(texts), len(grams)))
