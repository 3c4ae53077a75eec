"""Decides which solutions count, and for which question: copies count once. Nothing here depends on their order.

A solution is known by a 128-bit digest of its text, a question by one of its own.

Deviations:
MINE-11. Exact copies of a solution count once, for the first of their questions by digest (a known one before none). With
     `near_duplicates: merge` so do solutions whose words are the same in the same order, once numbers, formulas and
     punctuation at the ends of words are left out; of those the first by digest is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hicra.arrays import Bools, Hashes, Int32s, Ints

NO_QUESTION = (0, 0)


@dataclass(frozen=True)
class Documents:
    """Says which solutions count, as a mask over all of them.

    Attributes:
        kept: [D] bool, the solutions that count.
        group: [D] int32, the question of each kept solution, one of its own where it has none.
        distinct: number of solutions that differ in text.
        counted: number of those that are kept (all, unless near duplicates are merged).
        questions: number of distinct questions of the kept ones.
        groups: number of distinct values of `group` over the kept ones.
    """

    kept: Bools
    group: Int32s
    distinct: int
    counted: int
    questions: int
    groups: int


def resolve(digest: Hashes, question: Hashes, near: Hashes | None = None) -> Documents:
    """Chooses the solutions that count.

    Args:
        digest: [D, 2] uint64, digests of the texts.
        question: [D, 2] uint64, digests of the questions, `NO_QUESTION` where there is none.
        near: [D, 2] uint64, digests of the words, by which solutions are merged; None merges exact copies only.
    """
    names, where = np.unique(question, axis=0, return_inverse=True)
    known = (names != np.array(NO_QUESTION, np.uint64)).any(axis=1)
    rank = np.where(known, np.cumsum(known) - 1, len(names))[where.reshape(-1)]
    kept, rank = _merge(digest, digest, rank)
    distinct = int(kept.sum())
    if near is not None:
        rows = np.flatnonzero(kept)
        merged, of = _merge(near[rows], digest[rows], rank[rows])
        kept[rows], rank[rows] = merged, of
    asked = np.where(kept & (rank < len(names)), rank, -1)
    present = np.unique(asked[asked >= 0])
    group = np.searchsorted(present, asked)
    alone = np.flatnonzero(kept & (asked < 0))
    group[alone] = len(present) + np.arange(len(alone))
    group[~kept] = 0
    counted = int(kept.sum())
    return Documents(kept, group.astype(np.int32), distinct, counted, len(present), len(present) + len(alone))


def _merge(key: Hashes, digest: Hashes, rank: Ints) -> tuple[Bools, Ints]:
    """Keeps of the solutions with one key the first by digest, with the lowest rank among them."""
    kept, lowest = np.zeros(len(key), bool), rank.copy()
    if not len(key):
        return kept, lowest
    order = np.lexsort((digest[:, 1], digest[:, 0], key[:, 1], key[:, 0]))
    ordered = key[order]
    first = np.flatnonzero(np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1)))
    kept[order[first]] = True
    lowest[order[first]] = np.minimum.reduceat(rank[order], first)
    return kept, lowest
