"""Turns a batch of token ids into one array of folded bytes, and finds the way back from bytes to tokens.

Every token of the vocabulary is folded once, when the table is built, and a batch is put together from these ready bytes.
Only what the borders between tokens decide is done anew: white space that goes on in the next token, and tokens that hold
parts of characters (byte-level tokens of an emoji), which are joined and then folded.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hicra.arrays import Array, Bools, Bytes, Int32s, Ints
from hicra.errors import DataError
from hicra.text.fold import MARK, to_text
from hicra.text.pieces import BEGINS_BLANK, CONTINUES, ENDS_BLANK, LINE_END, WALL_KIND, Pieces, decode, fold_bytes
from hicra.text.tokenizer import TokenBytes

WALL, EMPTY, FRAGMENT, OPENS, MARKED = 8, 16, 32, 64, 128  # bits beside those of `Pieces.edge`
_EDGES = np.uint8(BEGINS_BLANK | ENDS_BLANK | CONTINUES)


class Stream(NamedTuple):
    """Holds the N tokens of a batch that have bytes, the boundaries between and after them, and their S folded bytes.

    Attributes:
        vocabulary: where the bytes of most tokens stand.
        letters: [S] int32, where each byte stands among those of the vocabulary, or, past their end, in `run`. The last one is a
            boundary, so that byte -1 is one as well.
        lines: bytes of white space that goes on in the next token, with a line end there.
        token: [S] int32, the token that each byte belongs to.
        start: [N] int64, the first byte of each token.
        flags: [N] uint8, bits of `Pieces.edge` and of this module.
        place: [N] int64, the index of each token in the flattened [B,T+1].
        flat: [N] int32, its id; the size of the vocabulary for boundaries.
        source: [N] int32, where its bytes stand among those of the vocabulary, or, past their end, in `run`.
        broken, run: [R] the tokens that hold parts of characters, and their bytes, joined and folded.
    """

    vocabulary: Vocabulary
    letters: Int32s
    lines: Ints
    token: Int32s
    start: Ints
    flags: Bytes
    place: Ints
    flat: Int32s
    source: Int32s
    broken: Ints
    run: Pieces | None

    def read(self, own: Bytes, run: Callable[[Pieces], Bytes]) -> Bytes:
        """Returns a property of each byte, [S] uint8: `own` has it for those of the vocabulary, `run` finds it for the others."""
        table = own if self.run is None else np.concatenate([own, run(self.run)])
        return table.take(self.letters, mode="clip")

    @property
    def data(self) -> Bytes:
        """The bytes, [S] uint8."""
        return self.read(self.vocabulary.data, lambda run: run.data)

    @property
    def kind(self) -> Bytes:
        """The class of each byte's character (`Pieces.kind`), [S] uint8."""
        kind = self.read(self.vocabulary.kind, lambda run: run.kind)
        kind[self.lines] = LINE_END
        return kind

    @property
    def marked(self) -> bool:
        """Whether any character may be a combining mark."""
        return bool((self.flags & MARKED).any())

    def kinds_at(self, at: Ints) -> Bytes:
        """Returns `kind` of some bytes, where a line end counts as any other white space."""
        index = self.letters[at]
        if self.run is None:
            return self.vocabulary.kind.take(index, mode="clip")
        return np.concatenate([self.vocabulary.kind, self.run.kind]).take(index, mode="clip")

    def token_ranges(self, start: Ints, stop: Ints) -> tuple[Int32s, Int32s]:
        """Turns byte ranges into half-open ranges of the tokens that hold a byte of them."""
        first, last = self.token[start], self.token[stop - 1] + 1
        goes_on = (self.flags & CONTINUES) > 0
        if goes_on.any():  # the last character may end in a token that begins with the rest of it
            more = goes_on[last] & (self.start[last] == stop)
            while more.any():
                last = last + more
                more = goes_on[last] & (self.start[last] == stop)
        return first, last


class Vocabulary:
    """Holds the folded bytes of every token of a tokenizer."""

    def __init__(self, table: TokenBytes) -> None:
        self.raw = table
        folded = fold_bytes(table.blob, table.start, np.ones(len(table.start), np.bool_))
        self.size = table.vocabulary
        self.start, self.length = folded.start.astype(np.int32), folded.length.astype(np.int32)
        self.chars = np.where(table.wall, 0, folded.chars)
        self.flags = folded.edge | np.where(table.wall, WALL, 0).astype(np.uint8)
        self.flags |= np.where(table.length == 0, EMPTY, 0).astype(np.uint8)
        self.flags |= np.where(table.opens, OPENS, 0).astype(np.uint8)
        self.flags |= np.where(_broken(table), FRAGMENT, 0).astype(np.uint8)
        self.data, self.kind, self.char = folded.data, folded.kind.copy(), folded.char
        self.kind[folded.start[table.wall]] = WALL_KIND
        marks = np.cumsum(np.append(0, self.kind == MARK))
        self.flags |= np.where(marks[folded.start + folded.length] > marks[folded.start], MARKED, 0).astype(np.uint8)

    def stream(self, ids: Array, live: Bools, first_row: int = 0) -> Stream:
        """Returns the folded bytes of a batch.

        Args:
            ids: [B,T] integers.
            live: [B,T] bool, the policy tokens; the others are boundaries.
            first_row: what messages call the first of these rows.
        """
        flat, flags, place = self._tokens(ids, live, first_row)
        source, length = self.start.take(flat, mode="clip"), self.length.take(flat, mode="clip")
        kind, run = self.kind, None
        broken = np.flatnonzero((flags & FRAGMENT) > 0)
        if broken.size:
            raw, begin = self._raw(flat[broken])
            opens = np.append(True, np.diff(broken) > 1)
            run = fold_bytes(raw, begin, opens)
            source[broken], length[broken] = run.start + len(kind), run.length
            flags[broken] = flags[broken] & ~_EDGES | run.edge | (MARKED if (run.kind == MARK).any() else 0)
        # white space that began in the token before: its bit stands one place after that of an end
        goes_on = np.flatnonzero((flags[1:] & BEGINS_BLANK & (flags[:-1] >> 1)).view(np.bool_)) + 1
        first = source[goes_on]
        source[goes_on] += 1
        length[goes_on] -= 1
        start = np.cumsum(length, dtype=np.int64) - length
        kind = kind if run is None else np.concatenate([kind, run.kind])
        lines = start[goes_on[kind[first] == LINE_END]] - 1
        token = _owners(start, int(length[-1]), start[np.flatnonzero(length == 0)])
        index = (source - start).astype(np.int32).take(token, mode="clip")
        index += np.arange(len(index), dtype=np.int32)
        return Stream(self, index, lines, token, start, flags, place, flat, source, broken, run)

    def _tokens(self, ids: Array, live: Bools, first_row: int = 0) -> tuple[Int32s, Bytes, Ints]:
        """Returns ids, flags and places of the tokens that count; a boundary ends each row, the first of several stays."""
        known = live & (ids.astype(np.int64, copy=False).view(np.uint64) < self.size)
        # ids past the tokenizer's own (padded embeddings) are boundaries, a negative id is a mistake
        if np.count_nonzero(known) < np.count_nonzero(live):
            refuse_negative(ids, live, first_row)
        tokens = np.full((len(ids), ids.shape[1] + 1), self.size, np.int32)
        np.copyto(tokens[:, :-1], ids, where=known, casting="unsafe")
        keep = np.zeros(tokens.shape, np.bool_)
        keep[:, :-1] = known
        keep[:, 1:] |= known
        keep[:1, :1] = True
        place = np.flatnonzero(keep)
        flat = tokens.ravel().take(place, mode="clip")
        flags = self.flags.take(flat, mode="clip")
        if (flags & EMPTY).any():
            some = flags & EMPTY == 0
            return flat[some], flags[some], place[some]
        return flat, flags, place

    def char_ranges(self, stream: Stream, start: Ints, stop: Ints, width: int) -> tuple[Ints, Ints, Ints]:
        """Turns byte ranges into (row, first character, one past the last) in the row's text (see `texts`)."""
        chars, char = self.chars.take(stream.flat, mode="clip"), self.char
        if stream.run is not None:
            chars[stream.broken], char = stream.run.chars, np.concatenate([char, stream.run.char])
        opening = _opening(stream.flags)
        chars -= opening
        before = np.cumsum(chars)
        before -= chars
        row_start = before[np.searchsorted(stream.place, np.arange(stream.place[-1] // width + 1) * width)]
        ranges = []
        for at in (start, stop - 1):
            token = stream.token[at]
            inside = char[stream.source[token] + (at - stream.start[token])] - opening[token]
            ranges.append(before[token] + inside)
        row = stream.place[stream.token[start]] // width
        return row, ranges[0] - row_start[row], ranges[1] + 1 - row_start[row]

    def texts(self, ids: Array, live: Bools) -> list[tuple[str, list[int]]]:
        """Returns for each row the text of its tokens, and for each of the T columns the character where it ends."""
        rows, width = len(ids), ids.shape[1] + 1
        flat, flags, place = self._tokens(ids, live)
        opening, wall = _opening(flags), flags & WALL > 0
        data, begin = self._raw(flat, opening)
        points, offset = decode(data)
        text = np.ones(len(points), np.bool_)
        text[np.searchsorted(offset, begin[wall])] = False
        before = np.concatenate([[0], np.cumsum(text)])  # characters of text before each point
        points = points[text]
        points[(points >= 0xD800) & (points < 0xE000)] = 0xFFFD
        first = np.append(begin, len(data))[np.searchsorted(place, np.arange(rows) * width)]
        starts = np.append(before[np.searchsorted(offset, first)], len(points))
        ends = np.zeros(rows * width, np.int64)
        ends[place] = before[np.searchsorted(offset, np.append(begin[1:], len(data)))]
        ends = np.maximum.accumulate(ends).reshape(rows, width)[:, :-1]
        return [
            (to_text(points[a:b]), np.maximum(ends[row] - a, 0).tolist())
            for row, (a, b) in enumerate(itertools.pairwise(starts))
        ]

    def _raw(self, flat: Int32s, opening: Bools | int = 0) -> tuple[Bytes, Ints]:
        """Returns the bytes of tokens as the tokenizer spells them, and where each begins."""
        source, length = (self.raw.start[flat] + opening).astype(np.int32), self.raw.length[flat] - opening
        begin = np.cumsum(length) - length
        return self.raw.blob[ragged(source, begin, length)], begin


def refuse_negative(ids: Array, live: Bools, first_row: int = 0) -> None:
    """Raises DataError, with the row, where a policy token has a negative id; both are [B,T]."""
    negative = live & (ids < 0)
    if negative.any():
        row, column = np.argwhere(negative)[0]
        raise DataError(
            f"token id {ids[row, column]} at a policy token of row {row + first_row}",
            "set response_mask to 0 at padding",
        )


def ragged(source: Int32s, start: Ints, length: Int32s | Ints) -> Int32s:
    """Returns source[i], source[i] + 1, ... (length[i] of them) for each i, one after another, [sum of length] int32.

    Args:
        start: where the values of each i begin, which is the sum of the lengths before.
    """
    some = length > 0
    if not some.all():
        source, start, length = source[some], start[some], length[some]
    index = np.ones(int(start[-1] + length[-1]) if len(start) else 0, np.int32)
    index[:1] = source[:1]
    index[start[1:]] = source[1:] - source[:-1] - length[:-1] + 1  # steps of one, and a jump where the next begins
    return np.cumsum(index, out=index)


def _owners(start: Ints, last: int, without: Ints) -> Int32s:
    """Returns the token that each byte belongs to, [S] int32.

    Args:
        start: [N], the first byte of each token.
        last: number of bytes of the last token.
        without: the starts of the tokens (never the first) that have no byte left, since one before holds their white space or
            the character that they end.
    """
    step = np.zeros(int(start[-1]) + last, np.int32)
    step[start[1:]] = 1
    np.add.at(step, without, 1)
    return np.cumsum(step, out=step)


def _opening(flags: Bytes) -> Bools:
    """Returns which tokens open a text, so that their leading Metaspace mark has no bytes, [N] bool."""
    after_wall = np.ones(len(flags), np.bool_)
    after_wall[1:] = flags[:-1] & WALL > 0
    return after_wall & (flags & OPENS > 0)


def _broken(table: TokenBytes) -> Bools:
    """Returns which tokens are not whole characters by themselves, [V+1] bool."""
    begin = table.start + np.arange(len(table.start))
    points, offset = decode(np.insert(table.blob, table.start, 0))
    bad = np.flatnonzero((points >= 0xDC80) & (points <= 0xDCFF))
    broken = np.zeros(len(table.start), np.bool_)
    broken[np.searchsorted(begin, offset[bad], side="right") - 1] = True
    return broken
