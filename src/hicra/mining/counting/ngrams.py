"""Counts word n-grams: in how many distinct solutions they are, and how often they occur.

A block of solutions becomes *records*, one for each distinct n-gram in it; records of one n-gram from all blocks are
added up. Any cut of the corpus into blocks and of the n-grams into parts gives the same counts.

Every n-gram has a 64-bit polynomial hash over its words' 64-bit hashes, and records are grouped by a sort. Equal hashes are
compared word by word, so a collision never merges two grams: it is noticed, and counting starts again with another salt.

Deviations:
MINE-18. Of the n-grams that reach the lower limits, at most `MAX_GRAMS` are held: those in the most solutions; the hash breaks
     ties. The dropped ones are counted (`over_limit`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from hicra.arrays import Bools, Hashes, Int32s, Ints
from hicra.errors import HicraError
from hicra.mining.counting.words import LETTER, NO_SIZE, SPLIT, Tokens, joined

BLOCK = 2**22  # words hashed at a time
MAX_GRAMS = 2**21
MANY = -1  # stands for more than one group
_EXTRA = 3  # columns of a record after its words: doc_freq, occurrences, group
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_FILTER = np.uint64(2**20 - 1)
T = TypeVar("T")


@dataclass(frozen=True)
class Grams:
    """Holds counted n-grams, sorted by text.

    Attributes:
        text: G texts.
        n: [G] int64, number of word ids.
        words: [G, W] int32, word ids without the punctuation at both ends, 0 past the last word.
        hash: [G] uint64, hash under `salt`.
        doc_freq: [G] int64, number of distinct solutions (or questions) that hold it.
        occurrences: [G] int64, number of occurrences.
        salt: the salt of the hashes.
    """

    text: list[str]
    n: Ints
    words: Int32s
    hash: Hashes
    doc_freq: Ints
    occurrences: Ints
    salt: int

    def take(self, rows: Ints) -> Grams:
        """Returns the grams at these rows, in this order."""
        text = [self.text[row] for row in rows.tolist()]
        counted = (self.doc_freq[rows], self.occurrences[rows])
        return Grams(text, self.n[rows], self.words[rows], self.hash[rows], *counted, self.salt)

    def bare(self) -> Grams:
        """Returns only what `block_holders` needs: n, hash and salt."""
        return Grams([], self.n, self.words[:0], self.hash, self.doc_freq[:0], self.occurrences[:0], self.salt)


@dataclass(frozen=True)
class CountRule:
    """Says which n-grams are counted and kept.

    Attributes:
        n_min, n_max: length of the shortest and the longest, the sum of the sizes of their words (`size_of`).
        min_df: number of solutions (or groups) that must hold one.
        by_group: a document frequency counts distinct groups (questions), not solutions.
        across: an n-gram must occur in two different groups.
        letters_min, letters_max: the same as n_min and n_max for n-grams with a letter that is a word of its own; None takes
            those.
    """

    n_min: int
    n_max: int
    min_df: int
    by_group: bool = False
    across: bool = False
    letters_min: int | None = None
    letters_max: int | None = None

    @property
    def most_words(self) -> int:
        """The largest number of word ids of an n-gram: its length, and a heading mark, which has none."""
        return max(self.n_max, self.letters_max or 0) + 1

    def widths(self, block: Tokens) -> range:
        """Returns the numbers of word ids that an n-gram of a block may have."""
        used = np.zeros(len(block.size), bool)
        used[block.ids] = True
        size = block.size[used]
        letters = bool(((size >= LETTER) & (size < NO_SIZE)).any())
        most = self.most_words if letters else self.n_max + 1
        return range(1, most + bool((size == 0).any()))

    def fits(self, size: Ints) -> Bools:
        """Returns which n-grams have an allowed length, by the sum of the sizes of their words; none with a split point."""
        fit = (size >= self.n_min) & (size <= self.n_max)
        letters = np.flatnonzero((size >= LETTER) & (size < NO_SIZE))
        n = size[letters] % LETTER
        low = self.n_min if self.letters_min is None else self.letters_min
        high = self.n_max if self.letters_max is None else self.letters_max
        fit[letters] = (n >= low) & (n <= high)
        return np.asarray(fit)


class HashCollision(HicraError):
    """Two different n-grams have one hash. `with_salts` always catches it."""


def with_salts(attempt: Callable[[int], T]) -> T:
    """Returns `attempt(salt)` for the first salt under which no two n-grams collide."""
    for salt in range(8):
        try:
            return attempt(salt)
        except HashCollision:
            continue
    raise AssertionError("8 salts in a row collide")  # 1 in 10^24 at a billion n-grams


def word_hash(word: str, salt: int) -> int:
    """Returns the 64-bit hash of a word, the same in every process."""
    return int.from_bytes(
        hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8, key=bytes([salt])).digest(), "big"
    )


def word_codes(words: list[str], salt: int) -> Hashes:
    """Returns the hash of each word, [V] uint64."""
    return np.array([word_hash(word, salt) for word in words], np.uint64)


def codes_of(tokens: Tokens, salt: int) -> Hashes:
    """Returns the hash of each word of the vocabulary, [V] uint64."""
    return word_codes(tokens.words, salt)


def count_ngrams(
    tokens: Tokens, n_min: int, n_max: int, min_df: int, groups: Ints | None = None, min_groups: int = 1
) -> tuple[Grams, dict[str, int]]:
    """Counts every n-gram that occurs in at least `min_df` solutions of a corpus in memory.

    Args:
        tokens: the corpus.
        n_min, n_max: the allowed lengths, see `CountRule`.
        groups: [D] int64, the group (question) of each solution.
        min_groups: 1, or 2 to keep only n-grams that solutions of two different groups hold.

    Returns:
        The grams, and counts: `ngrams` (distinct), `min_df` (those that reach it), `max_df` (the largest found),
        `over_limit` (dropped by `MAX_GRAMS`).
    """
    rule = CountRule(n_min, n_max, min_df, across=groups is not None and min_groups > 1)
    group = np.arange(len(tokens.starts) - 1, dtype=np.int32) if groups is None else groups.astype(np.int32)

    def attempt(salt: int) -> tuple[Grams, dict[str, int]]:
        codes, found = codes_of(tokens, salt), GramCollector(salt)
        for n in rule.widths(tokens):
            _, records = block_records(tokens, codes, group, n, rule)
            found.add(merge_records(records, codes, n, rule))
        return found.grams(tokens.words), found.counts

    return with_salts(attempt)


def block_records(block: Tokens, codes: Hashes, group: Int32s, n: int, rule: CountRule) -> tuple[Hashes, Int32s]:
    """Counts the n-grams of n word ids and an allowed length in one block of solutions: the map.

    Args:
        block: whole solutions.
        codes: [V] word hashes.
        group: [D] int32, the group of each solution.
        rule: with `by_group` there is one record for each n-gram and group, not for each n-gram.

    Returns:
        Hashes [R], in order, and records [R, n + 3] int32: the words, doc_freq (1 with `by_group`), occurrences, group
        (`MANY` for several).

    Raises:
        HashCollision: two n-grams of this block have one hash.
    """
    by_group = rule.by_group
    parts = list(windows(block, codes, n, rule))
    position = np.concatenate([np.empty(0, np.int64), *(start for start, _ in parts)])
    hashes = np.concatenate([np.empty(0, np.uint64), *(code for _, code in parts)])
    del parts
    if not position.size:
        return hashes, np.empty((0, n + _EXTRA), np.int32)
    document = np.repeat(np.arange(len(block.starts) - 1, dtype=np.int32), np.diff(block.starts))[position]
    order = np.lexsort((group[document], hashes)) if by_group else np.argsort(hashes, kind="stable")
    hashes, document = hashes[order], document[order]  # stable: equal hashes are in order of document
    words = window_words(block, position[order], n)
    changed = _boundaries(hashes, words)
    of = group[document]
    if by_group:
        changed |= np.append(True, of[1:] != of[:-1])
    first = np.flatnonzero(changed)
    records = np.empty((len(first), n + _EXTRA), np.int32)
    records[:, :n] = words[first]
    records[:, n] = 1 if by_group else np.add.reduceat(changed | np.append(True, document[1:] != document[:-1]), first)
    records[:, n + 1] = np.diff(np.append(first, len(hashes)))
    low, high = np.minimum.reduceat(of, first), np.maximum.reduceat(of, first)
    records[:, n + 2] = np.where(low == high, low, MANY)
    return hashes[first], records


@dataclass(frozen=True)
class Merged:
    """Holds n-grams of one length that reach the lower limits, and how many there were.

    Attributes:
        words: [G, n] int32; hash [G] uint64; doc_freq, occurrences [G] int64.
        ngrams, min_df, max_df: number of distinct n-grams, of those that reach min_df, the largest document frequency.
    """

    words: Int32s
    hash: Hashes
    doc_freq: Ints
    occurrences: Ints
    ngrams: int
    min_df: int
    max_df: int


def merge_records(records: Int32s, codes: Hashes, n: int, rule: CountRule) -> Merged:
    """Adds up all records of some n-grams [R, n + 3], from all blocks and in any order: the reduce.

    Raises:
        HashCollision: two of these n-grams have one hash.
    """
    hashes = gram_hash(records[:, :n], codes)
    order = np.lexsort((records[:, n + 2], hashes)) if rule.by_group else np.argsort(hashes)
    hashes, records = hashes[order], records[order]
    changed = _boundaries(hashes, records[:, :n])
    first = np.flatnonzero(changed)
    if not first.size:
        none = np.empty(0, np.int64)
        return Merged(records[:, :n], hashes, none, none, 0, 0, 0)
    group = records[:, n + 2]
    held = changed | np.append(True, group[1:] != group[:-1]) if rule.by_group else records[:, n]
    doc_freq = np.add.reduceat(held, first, dtype=np.int64)
    occurrences = np.add.reduceat(records[:, n + 1], first, dtype=np.int64)
    keep = doc_freq >= rule.min_df
    reached = int(keep.sum())
    if rule.across:
        low = np.minimum.reduceat(group, first)
        keep &= (low != np.maximum.reduceat(group, first)) | (low == MANY)
    words = np.ascontiguousarray(records[first[keep], :n])
    kept = (words, hashes[first[keep]], doc_freq[keep], occurrences[keep])
    return Merged(*kept, len(first), reached, int(doc_freq.max()))


def _boundaries(hashes: Hashes, words: Int32s) -> Bools:
    """Returns where another hash starts, [R] bool. Raises HashCollision where two n-grams have one hash."""
    same = hashes[1:] == hashes[:-1]
    if (words[1:][same] != words[:-1][same]).any():
        raise HashCollision("two n-grams have one hash")
    return np.append(np.ones(min(1, len(hashes)), bool), ~same)


class GramCollector:
    """Collects the counted n-grams, at most `MAX_GRAMS` of them (MINE-18)."""

    def __init__(self, salt: int) -> None:
        self.salt, self.limit = salt, MAX_GRAMS
        self.counts = {"ngrams": 0, "min_df": 0, "max_df": 0, "over_limit": 0}
        self._parts: list[tuple[Int32s, Hashes, Ints, Ints]] = []
        self._held = 0

    def add(self, part: Merged) -> None:
        """Adds n-grams that no other part holds."""
        self.counts["ngrams"] += part.ngrams
        self.counts["min_df"] += part.min_df
        self.counts["max_df"] = max(self.counts["max_df"], part.max_df)
        self._parts.append((part.words, part.hash, part.doc_freq, part.occurrences))
        self._held += len(part.words)
        if self._held > 2 * self.limit:
            self._cut()

    def _cut(self) -> None:
        words, hashes, doc_freq, occurrences = self._columns()
        best = np.lexsort((hashes, -doc_freq))[: self.limit]
        self.counts["over_limit"] += len(hashes) - len(best)
        self._parts = [(words[best], hashes[best], doc_freq[best], occurrences[best])]
        self._held = len(best)

    def _columns(self) -> tuple[Int32s, Hashes, Ints, Ints]:
        none = np.empty(0, np.int64)
        width = max((part[0].shape[1] for part in self._parts if len(part[0])), default=1)
        parts = [(np.empty((0, width), np.int32), np.empty(0, np.uint64), none, none)]
        for found, code, df, times in self._parts:
            padded = np.full((len(found), width), SPLIT, np.int32)
            padded[:, : min(width, found.shape[1])] = found[:, :width]
            parts.append((padded, code, df, times))
        words, hashes, doc_freq, occurrences = (np.concatenate(part) for part in zip(*parts, strict=True))
        return words, hashes, doc_freq, occurrences

    def grams(self, names: list[str]) -> Grams:
        """Returns the n-grams found, sorted by text.

        Args:
            names: the words of the vocabulary.
        """
        if self._held > self.limit:
            self._cut()
        words, hashes, doc_freq, occurrences = self._columns()
        text: list[str] = []
        for low in range(0, len(words), 2**16):  # in steps, since lists of ids are large
            text += [joined([names[word] for word in row if word]) for row in words[low : low + 2**16].tolist()]
        order = np.array(sorted(range(len(text)), key=text.__getitem__), np.int64)
        grams = Grams(text, (words != SPLIT).sum(axis=1), words, hashes, doc_freq, occurrences, self.salt)
        return grams.take(order)


def block_holders(block: Tokens, codes: Hashes, group: Int32s, grams: Grams, labels: Ints, by_group: bool) -> Ints:
    """Finds which solutions (or groups) of a block hold a gram of which label: the other map.

    Args:
        block, codes, group: as for `block_records`.
        grams: counted n-grams under the salt of `codes`; `bare` ones are enough.
        labels: [G] int64; grams with a negative label are skipped.

    Returns:
        [K] int64, the number of solutions of this block for each label; with `by_group` the distinct pairs group * K + label.
    """
    clusters = int(labels.max(initial=-1)) + 1
    unit = group.astype(np.int64) if by_group else np.arange(len(group))
    document = np.repeat(np.arange(len(group), dtype=np.int32), np.diff(block.starts))
    found = [np.empty(0, np.int64)]
    for n in np.unique(grams.n).tolist():
        rows = np.flatnonzero((grams.n == n) & (labels >= 0))
        rows = rows[np.argsort(grams.hash[rows])]
        keys, of = grams.hash[rows], labels[rows]
        if not keys.size:
            continue
        likely = np.zeros(int(_FILTER) + 1, bool)
        likely[keys & _FILTER] = True
        for start, hashes in windows(block, codes, n, None):
            maybe = np.flatnonzero(likely[hashes & _FILTER])
            start, hashes = start[maybe], hashes[maybe]
            where = np.minimum(np.searchsorted(keys, hashes), len(keys) - 1)
            hit = keys[where] == hashes
            found.append(np.unique(unit[document[start[hit]]] * clusters + of[where[hit]]))
    pairs = np.unique(np.concatenate(found))
    return pairs if by_group else np.bincount(pairs % max(clusters, 1), minlength=clusters).astype(np.int64)


def windows(
    tokens: Tokens, codes: Hashes, n: int, rule: CountRule | None, block: int = BLOCK
) -> Iterator[tuple[Ints, Hashes]]:
    """Yields start positions and hashes of every n-gram of n word ids that crosses no split point, block by block.

    Args:
        rule: says which lengths are wanted; None takes all.
    """
    total = len(tokens.ids) - n + 1
    for low in range(0, max(total, 0), block):
        ids = tokens.ids[low : min(low + block, total) + n - 1]
        before = np.cumsum(np.append(0, tokens.size[ids]))
        size = before[n:] - before[:-n]
        start = np.flatnonzero(size < NO_SIZE if rule is None else rule.fits(size))
        yield start + low, gram_hash(window_words(tokens, start + low, n), codes)


def window_words(tokens: Tokens, positions: Ints, n: int) -> Int32s:
    """Returns the words of the n-grams that start at `positions`, without the punctuation at both ends, [P, n] int32."""
    return strip_edges(tokens, np.stack([tokens.ids[positions + offset] for offset in range(n)], axis=1))


def strip_edges(tokens: Tokens, words: Int32s) -> Int32s:
    """Replaces, in place, the first and the last of the word ids [P, n] by those without their outer punctuation."""
    words[:, 0] = tokens.left[words[:, 0]]
    words[:, -1] = tokens.right[words[:, -1]]
    return words


def gram_hash(words: Int32s, codes: Hashes) -> Hashes:
    """Returns the hashes of n-grams given as word ids [P, n], [P] uint64."""
    hashes = np.full(len(words), words.shape[1], np.uint64)  # n is part of the hash
    for column in words.T:
        hashes = hashes * _PRIME + codes[column]
    return hashes
