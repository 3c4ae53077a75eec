"""Which solutions count: copies once, and for which question; nothing here depends on their order.

A solution is known by 128 bits of its text, a question by 128 bits of its own.

Deviations:
MINE-11. Exact copies of a solution count once, for the first of their questions by digest (a known one before none). With
     `near_duplicates: merge` so do solutions whose words are the same in the same order, once numbers, formulas and
     punctuation at the edges of words are left out; of those the first by digest is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hicra.arrays import Bools, Hashes, Int32s, Ints

NO_QUESTION = (0, 0)


@dataclass(frozen=True)
class Documents:
    """The solutions that count, as a mask over all of them.

    Attributes:
        kept: [D] bool.
        group: [D] int32, the question of each kept solution, one of its own where it has none.
        distinct: solutions that differ in text.
        counted: of those, the ones that are kept (all, unless near duplicates are merged).
        questions: distinct questions of the kept ones.
        groups: distinct values of `group` over the kept ones.
    """

    kept: Bools
    group: Int32s
    distinct: int
    counted: int
    questions: int
    groups: int


def resolve(digest: Hashes, question: Hashes, near: Hashes | None = None) -> Documents:
    """Chooses among solutions.

    Args:
        digest: [D, 2] uint64, of the texts.
        question: [D, 2] uint64, of the questions, `NO_QUESTION` where there is none.
        near: [D, 2] uint64, of the words, to merge solutions by; None merges exact copies only.
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
    """Of solutions with one key the first by digest is kept, with the lowest rank among them."""
    kept, lowest = np.zeros(len(key), bool), rank.copy()
    if not len(key):
        return kept, lowest
    order = np.lexsort((digest[:, 1], digest[:, 0], key[:, 1], key[:, 0]))
    ordered = key[order]
    first = np.flatnonzero(np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1)))
    kept[order[first]] = True
    lowest[order[first]] = np.minimum.reduceat(rank[order], first)
    return kept, lowest
