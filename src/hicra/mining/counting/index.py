"""Holds what the leading process of mining needs of a corpus: its words, and a few numbers of each solution.

The texts and the word ids are elsewhere (spill files, other workers). It takes 72 bytes a solution and about 200 a distinct
word.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hicra.arrays import Bools, Hashes, Int32s, Ints
from hicra.mining.counting.documents import Documents, resolve
from hicra.mining.counting.ngrams import word_codes
from hicra.mining.counting.words import SPLIT, Encoded, Tokens, WordVocabulary


@dataclass(frozen=True)
class Side:
    """Describes the solutions that are mined, or those that they are compared with.

    Attributes:
        documents: which of all solutions count, see `Documents`.
        words: number of words of the solutions that count.
    """

    documents: Documents
    words: int


class Index:
    """Takes in the chunks, then says which solutions count.

    Args:
        segmented: a segmenter cut the letters of scripts without spaces.
    """

    def __init__(self, segmented: bool = False) -> None:
        self.vocabulary = WordVocabulary(segmented)
        self._digest: list[Hashes] = []
        self._near: list[Hashes] = []
        self._question: list[Hashes] = []
        self._lengths: list[Ints] = []
        self._words: list[Ints] = []
        self._against: list[Bools] = []
        self._codes: tuple[int, Hashes] = (-1, np.empty(0, np.uint64))
        self.lengths = np.empty(0, np.int64)

    def add(self, encoded: Encoded) -> Int32s:
        """Takes in a chunk (all but its `ids`).

        Returns:
            [v] int32, the id in this index of each word of the chunk.
        """
        self._digest.append(encoded.digest)
        self._near.append(encoded.near)
        self._question.append(encoded.question)
        self._lengths.append(encoded.lengths)
        self._words.append(encoded.sizes)
        self._against.append(np.full(len(encoded.lengths), encoded.against))
        return np.array([SPLIT, *map(self.vocabulary.add, encoded.words[1:])], np.int32)

    def close(self, near: bool) -> tuple[Side, Side]:
        """Returns the mined solutions and the ones compared with, as masks over all solutions in order of arrival.

        Args:
            near: merge near duplicates.
        """
        none, pairs = np.empty(0, np.int64), np.empty((0, 2), np.uint64)
        digest, alike, question = (
            np.concatenate([pairs, *parts]) for parts in (self._digest, self._near, self._question)
        )
        words = np.concatenate([none, *self._words])
        against = np.concatenate([none.astype(bool), *self._against])
        self.lengths = np.concatenate([none, *self._lengths])
        self.left, self.right, self.size = self.vocabulary.tables()
        sides = []
        for mask in (~against, against):
            rows = np.flatnonzero(mask)
            found = resolve(digest[rows], question[rows], alike[rows] if near else None)
            kept, group = np.zeros(len(mask), bool), np.zeros(len(mask), np.int32)
            kept[rows], group[rows] = found.kept, found.group
            counts = (found.distinct, found.counted, found.questions, found.groups)
            sides.append(Side(Documents(kept, group, *counts), int(words[kept].sum())))
        return sides[0], sides[1]

    def codes(self, salt: int) -> Hashes:
        """Returns the word hashes, [V] uint64."""
        if self._codes[0] != salt:
            self._codes = (salt, word_codes(self.vocabulary.words, salt))
        return self._codes[1]


def block_of(ids: Int32s, lengths: Ints, kept: Bools, left: Int32s, right: Int32s, size: Ints) -> Tokens:
    """Returns the kept ones of some consecutive solutions, as a corpus without its words."""
    if not kept.all():
        ids = ids[np.repeat(kept, lengths)]
    return Tokens(ids, np.append(0, np.cumsum(lengths[kept])), [], left, right, size)
