"""Counts the words of a text by the tagging rule, and cuts what stands between white space into them where letters stand alone.

Deviations:
TEXT-6. In a number of words (`n` of a gram, the limits of mining) a stretch of letters with an apostrophe inside is one word:
    "let's" is 1, "double-check" is 2, and what holds no letter, digit or underscore is 0.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import numpy as np

from hicra.arrays import Ints
from hicra.text.fold import ALONE, APOSTROPHES, MARK, WORD, char_class, code_points

_LETTER = {ALONE: "c", WORD: "w", MARK: "m"}
_RUN = re.compile(r"w[wm]*(?:'w[wm]*)*|c")
_STRETCH = re.compile(r"c[cm]*")
_BLANK = np.array([chr(point).isspace() for point in range(0x3001)] + [False])  # what str.split splits at
_PIECE = re.compile(r"(?:^[om']*)?(?:c[om']*|w[wom']*)")


class _WordKinds(dict[int, str]):
    """Maps a code point to a letter of its class, for `str.translate`; it is filled as characters turn up.

    "c" is a letter that is a word of its own, "w" another character of words, "m" a mark, "'" an apostrophe, "o" the rest.
    """

    def __missing__(self, point: int) -> str:
        char = chr(point)
        apostrophe = char == "'" or char in APOSTROPHES
        kind = self[point] = "'" if apostrophe else _LETTER.get(char_class(char), "o")
        return kind


_KINDS = _WordKinds()


def count_words(text: str) -> int:
    """Returns the number of words of a text.

    >>> [count_words(text) for text in ("let's double-check", "## step 1", "\\u7b49\\u4e00\\u4e0b ok", "=")]
    [3, 2, 4, 0]
    """
    return len(_RUN.findall(text.translate(_KINDS)))


def word_ranges(text: str) -> list[tuple[int, int]]:
    """Returns the character ranges of the words that `count_words` counts.

    >>> word_ranges("let's double-check")
    [(0, 5), (6, 12), (13, 18)]
    """
    return [found.span() for found in _RUN.finditer(text.translate(_KINDS))]


def pieces_of(word: str) -> list[str]:
    """Cuts what stands between white space before and after each letter that is a word of its own, punctuation kept.

    What follows a letter without being one (marks, punctuation) stays with it; what stands before the first stays with that.

    >>> pieces_of("ok,\\u6211\\u4eec\\uff1f"), pieces_of("it's")
    (['ok,', '我', '们？'], ["it's"])
    """
    if word.isascii():
        return [word]
    kinds = word.translate(_KINDS)
    if "c" not in kinds:
        return [word]
    return [word[found.start() : found.end()] for found in _PIECE.finditer(kinds)]


def piece_ranges(text: str) -> tuple[Ints, Ints]:
    """Returns the start and the stop [N] of every word that is counted where there are no tokens: what `str.split` separates, cut
    by `pieces_of`.

    >>> [ends.tolist() for ends in piece_ranges("it's 2,\\nno")]
    [[0, 5, 8], [4, 7, 10]]
    """
    points = code_points(text)
    blank = np.ones(len(points) + 2, np.bool_)
    blank[1:-1] = _BLANK[np.minimum(points, len(_BLANK) - 1)]
    start, stop = np.flatnonzero(blank[:-2] & ~blank[1:-1]), np.flatnonzero(~blank[1:-1] & blank[2:]) + 1
    if text.isascii():
        return start, stop
    cut = [[len(piece) for piece in pieces_of(word)] for word in text.split()]
    many = np.array([len(pieces) for pieces in cut], np.int64)
    length = np.array(list(itertools.chain.from_iterable(cut)), np.int64)
    before = np.cumsum(length) - length  # characters of words before each one
    first = np.cumsum(many) - many
    start = before + np.repeat(start - before[first], many)
    return start, start + length


def letter_stretches(word: str) -> Iterator[tuple[int, int]]:
    """Yields the ranges of letters that are words of their own and follow each other, their marks included."""
    for found in _STRETCH.finditer(word.translate(_KINDS)):
        yield found.start(), found.end()
