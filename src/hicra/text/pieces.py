"""Folds many pieces of text at once into the bytes that the automaton reads, and keeps the way back to the characters.

A piece is a token of a vocabulary, a token of a batch, or a whole text. Pieces that follow each other without a break form a
stretch. Some things cannot be decided at the ends of a stretch: half a character, white space that goes on in the next piece,
a mark whose letter stands before it. `edge` and `kind` record them for the caller that joins stretches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hicra.arrays import Bools, Bytes, CodePoints, Int32s, Ints
from hicra.text.fold import SPACE, code_points, fold_points

LINE_END, WALL_KIND = 5, 6  # classes of bytes beside those of hicra.text.fold: white space with a line end, a boundary
BEGINS_BLANK, ENDS_BLANK, CONTINUES = 1, 2, 4  # bits of `edge`
LINE_FEED, RETURN = 0x0A, 0x0D


class Pieces(NamedTuple):
    """Holds P folded pieces in S bytes. A boundary, which is a NUL byte, stands before each stretch and at the end.

    Attributes:
        data: [S] uint8, folded UTF-8.
        kind: [S] uint8, the class of each byte's character: those of `Folded`, LINE_END or WALL_KIND.
        char: [S] int32, index of the character within its piece, before folding.
        start, length: [P] int64, the bytes of each piece; a character belongs to the piece where it begins.
        chars: [P] int64, number of characters that begin in it, before folding.
        edge: [P] uint8, bits: its stretch begins with white space here (BEGINS_BLANK) or ends with white space here
            (ENDS_BLANK); its first bytes belong to a character of the piece before (CONTINUES).
    """

    data: Bytes
    kind: Bytes
    char: Int32s
    start: Ints
    length: Ints
    chars: Ints
    edge: Bytes


def fold_texts(texts: Sequence[str]) -> Pieces:
    """Folds texts; each is a piece and a stretch of its own."""
    wall = np.zeros(1, np.uint32)
    arrays = [part for text in texts for part in (wall, code_points(text))]
    length = np.array([len(array) for array in arrays[1::2]], np.int64)
    first = np.cumsum(length + 1) - length
    return _fold(np.concatenate([*arrays, wall]), first, np.ones(len(texts), np.bool_))


def fold_bytes(data: Bytes, begin: Ints, opens: Bools) -> Pieces:
    """Folds pieces of UTF-8 that may break off inside a character; a byte that is no text becomes one lone surrogate.

    Args:
        data: [N] uint8, all pieces one after another.
        begin: [P] int64, the first byte of each piece, ascending.
        opens: [P] bool, whether a stretch begins with this piece (with the first one it always does).
    """
    opens = opens.copy()
    opens[:1] = True
    stretch = np.cumsum(opens)  # the number of boundaries before each piece
    text = np.ones(len(data) + int(opens.sum()) + 1, np.bool_)
    text[begin[opens] + stretch[opens] - 1] = text[-1] = False
    apart = np.zeros(len(text), np.uint8)  # with a boundary before each stretch, no character is joined across two
    apart[text] = data
    points, offset = decode(apart)
    moved = begin + stretch
    first = np.searchsorted(offset, moved)
    return _fold(points, first, opens, offset[first] != moved)


def _fold(text: CodePoints, first: Ints, opens: Bools, continues: Bools | None = None) -> Pieces:
    """Folds pieces of text.

    Args:
        text: [N] uint32, the code points of all pieces, with a NUL before each stretch and at the end.
        first: [P] int64, the first code point that begins in each piece, ascending.
        opens: [P] bool, whether a stretch begins with this piece.
        continues: [P] bool, whether the piece begins inside a character.
    """
    pieces = len(first)
    run = np.flatnonzero(opens)
    piece_of = np.cumsum(np.bincount(first, minlength=len(text))) - 1
    piece_of[first[run] - 1] = piece_of[-1] = pieces  # stands for boundaries
    folded = fold_points(text)
    size = utf8_size(folded.points)
    owner = piece_of[folded.start]
    kind = folded.kind.copy()
    wall = owner == pieces
    kind[wall] = WALL_KIND
    line = np.concatenate([[0], np.cumsum((text == LINE_FEED) | (text == RETURN))])
    kind[(kind == SPACE) & (line[folded.stop] > line[folded.start])] = LINE_END
    char = folded.start - first[np.minimum(owner, pieces - 1)] if pieces else folded.start
    length = np.bincount(owner, size, minlength=pieces + 1)[:pieces].astype(np.int64)
    # the pieces are in order, with a boundary of one byte before each stretch: their starts follow from the lengths
    shift = np.cumsum(opens)
    start = np.cumsum(length) - length + shift
    edge = np.zeros(pieces, np.uint8)
    blank = (kind == SPACE) | (kind == LINE_END)
    at_wall = np.flatnonzero(wall)  # one before each stretch, one at the end
    edge[run[blank[np.minimum(at_wall[:-1] + 1, len(blank) - 1)]]] |= BEGINS_BLANK
    last = np.append(run[1:], pieces) - 1
    edge[last[blank[at_wall[1:] - 1]]] |= ENDS_BLANK
    if continues is not None:
        edge[continues] |= CONTINUES
    data = encode(folded.points)
    spread = np.repeat(np.arange(len(size)), size) if len(data) != len(size) else slice(None)
    chars = np.diff(np.append(first - shift, len(text) - 1 - len(run)))
    return Pieces(data, kind[spread], char[spread].astype(np.int32), start, length, chars, edge)


def decode(data: Bytes) -> tuple[CodePoints, Ints]:
    """Decodes UTF-8 to (code points [N], byte offset of each and of the end [N+1]); a bad byte is one lone surrogate."""
    raw = data.tobytes()
    if raw.isascii():
        return data.astype(np.uint32), np.arange(len(data) + 1)
    points = code_points(raw.decode("utf-8", "surrogateescape"))
    escaped = (points >= 0xDC80) & (points <= 0xDCFF)
    return points, np.concatenate([[0], np.cumsum(np.where(escaped, 1, utf8_size(points)))])


def encode(points: CodePoints) -> Bytes:
    """Encodes code points as UTF-8 bytes; a lone surrogate takes three."""
    if not len(points) or points.max() < 128:
        return points.astype(np.uint8)
    text = points.tobytes().decode("utf-32-le", "surrogatepass")
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)


def utf8_size(points: CodePoints) -> Ints:
    """Returns the number of UTF-8 bytes that each code point takes."""
    return 1 + (points > 0x7F).astype(np.int64) + (points > 0x7FF) + (points > 0xFFFF)
