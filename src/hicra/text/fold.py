"""Folds and classifies characters: the part of the tagging rule about single ones (docs/concepts/tagging.md has the table).

Everything works on arrays of Unicode code points, so that a whole batch is folded in a few numpy passes. Only the
distinct non-ASCII characters of a batch are looked up one by one.

Deviations (section 2 of the paper says nothing about matching):
TEXT-1. Letters are lower-cased one to one. A letter whose lower form has another length, or does not lead back to it (the
    Kelvin sign, capital sharp s, dotted capital I), stays as it is.
TEXT-2. A stretch of white space (Unicode White_Space) counts as one space; zero-width characters are not white space.
TEXT-3. Typographic apostrophes (U+2019, U+2018, U+FF07) equal the ASCII one.
TEXT-4. A word is a stretch of letters (L*), decimal digits (Nd) and underscores; a combining mark (M*) belongs to the character
    that it follows.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import NamedTuple

import numpy as np

from hicra.arrays import Bools, Bytes, CodePoints, Ints

OTHER, WORD, MARK, SPACE = 0, 1, 2, 3
WHITE_SPACE = frozenset(
    [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
)
APOSTROPHES = frozenset("\u2019\u2018\uff07")


class Folded(NamedTuple):
    """Holds a folded text.

    Attributes:
        points: [N] uint32, folded code points.
        start: [N] int64, index of the first original code point that each folded one stands for.
        stop: [N] int64, index one past the last.
        kind: [N] uint8, the character class: OTHER, WORD, MARK or SPACE.
    """

    points: CodePoints
    start: Ints
    stop: Ints
    kind: Bytes

    @property
    def word(self) -> Bools:
        """The characters that are part of a word, [N] bool; a mark counts like the last character before it that is no mark."""
        word, marks = self.kind == WORD, self.kind == MARK
        if not marks.any():
            return np.asarray(word)
        base = np.maximum.accumulate(np.where(marks, -1, np.arange(len(word))))
        return np.asarray(np.where(base >= 0, word[base], False))


def fold_char(char: str) -> str:
    """Returns the folded form of one character."""
    if ord(char) in WHITE_SPACE:
        return " "
    if char in APOSTROPHES:
        return "'"
    lower = char.lower()
    return lower if len(lower) == 1 and lower.upper() == char else char


def char_class(char: str) -> int:
    """Returns the class of a character: OTHER, WORD, MARK or SPACE."""
    if ord(char) in WHITE_SPACE:
        return SPACE
    category = unicodedata.category(char)
    if char == "_" or category[0] == "L" or category == "Nd":
        return WORD
    return MARK if category[0] == "M" else OTHER


@functools.cache
def _looked_up(point: int) -> tuple[int, int]:
    return ord(fold_char(chr(point))), char_class(chr(point))


@functools.cache
def _ascii_tables() -> tuple[CodePoints, Bytes]:
    pairs = [_looked_up(point) for point in range(128)]
    return np.array([p for p, _ in pairs], np.uint32), np.array([c for _, c in pairs], np.uint8)


def code_points(text: str) -> CodePoints:
    """Returns the code points of a text, [N] uint32; lone surrogates (undecodable bytes) are kept."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def to_text(points: CodePoints) -> str:
    """Returns the text of code points: the inverse of `code_points`."""
    return points.tobytes().decode("utf-32-le", "surrogatepass")


def fold_points(points: CodePoints) -> Folded:
    """Folds an array of code points [N]; see `Folded` for what comes back."""
    folds, classes = _ascii_tables()
    low = np.minimum(points, 127)
    folded, kind = folds[low], classes[low]
    high = np.flatnonzero(points > 127)
    if high.size:
        distinct, where = np.unique(points[high], return_inverse=True)
        pairs = np.array([_looked_up(int(point)) for point in distinct], np.uint32)
        folded[high], kind[high] = pairs[where, 0], pairs[where, 1].astype(np.uint8)
    space = kind == SPACE
    keep = ~space
    keep[:1] = True
    keep[1:] |= ~space[:-1]  # of a stretch of white space the first character stays
    start = np.flatnonzero(keep)
    stop = np.append(start[1:], len(points))
    # a kept space ends where the next kept character starts, any other character after itself
    stop = np.where(space[start], stop, start + 1) if start.size else stop[:0]
    return Folded(folded[start], start, stop, kind[start])


def fold(text: str) -> str:
    """Returns the folded form of a text, in which grams are compared.

    >>> fold("Let’s  TRY\\u00a0it")
    "let's try it"
    """
    return to_text(fold_points(code_points(text)).points)


def canonical_gram(phrase: str) -> str:
    """Returns a phrase as the lexicon keeps it: folded, without white space at its ends."""
    return fold(phrase).strip(" ")
