"""Counting word n-grams: in how many distinct solutions, and how often.

Every n-gram is one 64-bit polynomial hash over its words' 64-bit hashes; counting is a sort. Equal hashes are compared
word by word, so a collision never merges two grams: it is noticed, and counting starts again with another salt. Memory
is bounded by going over the corpus once for each slice of the hash range (`MAX_SORT` n-grams at a time).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hicra.mining.words import SPLIT, Tokens

MAX_SORT = 2**24  # n-grams sorted at a time
BLOCK = 2**22  # words hashed at a time
_PRIME = np.uint64(0x9E3779B97F4A7C15)
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Grams:
    """Counted n-grams, sorted by text.

    Attributes:
        text: G texts.
        n: [G] int64, words.
        words: [G, n_max] int32, word ids with edges stripped, 0 past the last word.
        hash: [G] uint64 under `salt`.
        doc_freq: [G] int64, distinct solutions that hold it.
        occurrences: [G] int64.
        salt: of the hashes.
    """

    text: list[str]
    n: Ints
    words: NDArray[np.int32]
    hash: Hashes
    doc_freq: Ints
    occurrences: Ints
    salt: int

    def take(self, rows: Ints) -> Grams:
        """The grams at these rows, in this order."""
        text = [self.text[row] for row in rows.tolist()]
        counted = (self.doc_freq[rows], self.occurrences[rows])
        return Grams(text, self.n[rows], self.words[rows], self.hash[rows], *counted, self.salt)


class HashCollision(Exception):
    """Two different n-grams have one hash."""


def word_hash(word: str, salt: int) -> int:
    """64-bit hash of a word, the same in every process."""
    return int.from_bytes(
        hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8, key=bytes([salt])).digest(), "big"
    )


def count_ngrams(
    tokens: Tokens, n_min: int, n_max: int, min_df: int, groups: Ints | None = None, min_groups: int = 1
) -> tuple[Grams, dict[str, int]]:
    """Every n-gram that occurs in at least `min_df` solutions, and in solutions of two groups where that is asked for.

    Args:
        tokens: the corpus.
        groups: [D] int64, the group (question) of each solution.
        min_groups: 1, or 2 to keep only n-grams that solutions of two different groups hold.

    Returns:
        the grams, and counts: `ngrams` (distinct), `min_df` (those that reach it), `max_df` (the largest found).
    """
    for salt in range(8):
        try:
            return _count(tokens, n_min, n_max, min_df, groups, min_groups, salt)
        except HashCollision:
            continue
    raise AssertionError("8 salts in a row collide")  # 1 in 10^24 at a billion n-grams


def _count(
    tokens: Tokens, n_min: int, n_max: int, min_df: int, groups: Ints | None, min_groups: int, salt: int
) -> tuple[Grams, dict[str, int]]:
    codes = codes_of(tokens, salt)
    documents = np.repeat(np.arange(len(tokens.starts) - 1, dtype=np.int32), np.diff(tokens.starts))
    counts = {"ngrams": 0, "min_df": 0, "max_df": 0}
    found: list[tuple[NDArray[np.int32], Hashes, Ints, Ints]] = []
    slices = max(1, -(-len(tokens.ids) // MAX_SORT))
    for n in range(n_min, n_max + 1):
        for part in range(slices):
            positions, hashes = _slice(tokens, codes, n, part, slices)
            if not positions.size:
                continue
            order = np.argsort(hashes, kind="stable")  # equal hashes stay in order of position, so of document
            positions, hashes = positions[order], hashes[order]
            first = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1]))
            words = window_words(tokens, positions, n)
            if (np.repeat(words[first], np.diff(np.append(first, len(hashes))), axis=0) != words).any():
                raise HashCollision
            document = documents[positions]
            new = np.append(True, document[1:] != document[:-1])
            new[first] = True
            doc_freq = np.add.reduceat(new, first, dtype=np.int64)
            occurrences = np.diff(np.append(first, len(hashes)))
            counts["ngrams"] += len(first)
            counts["max_df"] = max(counts["max_df"], int(doc_freq.max()))
            keep = doc_freq >= min_df
            counts["min_df"] += int(keep.sum())
            if groups is not None and min_groups > 1:
                group = groups[document]
                keep &= np.minimum.reduceat(group, first) != np.maximum.reduceat(group, first)
            padded = np.full((int(keep.sum()), n_max), SPLIT, np.int32)
            padded[:, :n] = words[first[keep]]
            found.append((padded, hashes[first[keep]], doc_freq[keep], occurrences[keep]))
    return _sorted(tokens, found, n_max, salt), counts


def _slice(tokens: Tokens, codes: Hashes, n: int, part: int, slices: int) -> tuple[Ints, Hashes]:
    """Start positions and hashes of the n-grams in one slice of the hash range."""
    positions, hashes = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for start, code in windows(tokens, codes, n):
        mine = code % np.uint64(slices) == part
        positions.append(start[mine])
        hashes.append(code[mine])
    return np.concatenate(positions), np.concatenate(hashes)


def _sorted(tokens: Tokens, found: list[tuple[NDArray[np.int32], Hashes, Ints, Ints]], n_max: int, salt: int) -> Grams:
    empty = (np.empty((0, n_max), np.int32), np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64))
    words, hashes, doc_freq, occurrences = (np.concatenate(column) for column in zip(empty, *found, strict=True))
    names = tokens.words
    text = [" ".join([names[word] for word in row if word]) for row in words.tolist()]
    order = np.array(sorted(range(len(text)), key=text.__getitem__), np.int64)
    grams = Grams(text, (words != SPLIT).sum(axis=1), words, hashes, doc_freq, occurrences, salt)
    return grams.take(order)


def codes_of(tokens: Tokens, salt: int) -> Hashes:
    """[V] uint64, the hash of each word of the vocabulary."""
    return np.array([word_hash(word, salt) for word in tokens.words], np.uint64)


def windows(tokens: Tokens, codes: Hashes, n: int, block: int = BLOCK) -> Iterator[tuple[Ints, Hashes]]:
    """Start positions and hashes of every n-gram that crosses no split point, block by block."""
    total = len(tokens.ids) - n + 1
    for low in range(0, max(total, 0), block):
        ids = tokens.ids[low : min(low + block, total) + n - 1]
        split = np.cumsum(np.append(0, ids == SPLIT))
        start = np.flatnonzero(split[n:] == split[:-n])
        yield start + low, gram_hash(window_words(tokens, start + low, n), codes)


def window_words(tokens: Tokens, positions: Ints, n: int) -> NDArray[np.int32]:
    """[P, n] int32, the words of the n-grams that start at `positions`, edges stripped."""
    return strip_edges(tokens, np.stack([tokens.ids[positions + offset] for offset in range(n)], axis=1))


def strip_edges(tokens: Tokens, words: NDArray[np.int32]) -> NDArray[np.int32]:
    """[P, n] word ids without the outer punctuation of the first and the last word; in place."""
    words[:, 0] = tokens.left[words[:, 0]]
    words[:, -1] = tokens.right[words[:, -1]]
    return words


def gram_hash(words: NDArray[np.int32], codes: Hashes) -> Hashes:
    """[P] uint64, hashes of n-grams given as word ids [P, n]."""
    hashes = np.full(len(words), words.shape[1], np.uint64)  # n is part of the hash
    for column in words.T:
        hashes = hashes * _PRIME + codes[column]
    return hashes
