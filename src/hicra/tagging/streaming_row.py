"""Holds one rollout while it grows: its mask so far, what of it is final, and what waits.

A row takes one step a token (`streaming_states`). Only tokens that hold parts of characters are put together here first.
"""

from __future__ import annotations

import codecs
import copy
import functools
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from hicra.arrays import Bools
from hicra.tagging.streaming_states import WALL, GramStep, Reader, SentenceStep, State


class _Pending(State):
    """Stands for the state while a character is not complete: every token goes to `GrowingRow._piece`."""

    __slots__ = ()

    def __init__(self) -> None:
        pass

    def __missing__(self, symbol: int | str) -> None:
        return None


PENDING = _Pending()
SHORT = 8  # masks of up to so many tokens are made once: making an array costs as much as tagging a token


def _as_mask(data: bytes) -> Bools:
    return np.frombuffer(data, np.bool_)


_short = functools.cache(_as_mask)


class GrowingRow(ABC):
    """Holds one rollout.

    Attributes:
        mask: a byte a token, 1 where it is planning for sure.
        done: the number of tokens that are final.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader, self.state = reader, reader.start()
        self.mask, self.done = bytearray(), 0
        self._held = self.state  # while `state` is PENDING
        self._bytes, self._owners = b"", list[int]()  # of a character that is not complete, and their tokens
        self._empty: list[int] = []  # waiting tokens without bytes: never planning

    # ---- growing
    def feed(self, tokens: list[int]) -> Bools:
        """Takes the next tokens, with `WALL` for a boundary, and returns the mask of the tokens that became final."""
        at = len(self.mask)
        self.mask += bytes(len(tokens))
        state = self.state
        for token in tokens:
            step = state[token]
            if step is None:
                self._piece(token, at)
                state = self.state
            else:
                self.state = state = step[0]
                self._take(step, at, at)
            at += 1
        return self.release()

    def close(self) -> None:
        """Ends the rollout: nothing can follow."""
        self._flush()
        self._read(WALL, 0, 0)

    def release(self) -> Bools:
        """Makes final what can no longer change, and returns the mask of the tokens that became final; it is read-only."""
        stop = self._waiting(len(self.mask))
        data = bytes(self.mask[self.done : stop])
        self.done = stop
        return _short(data) if len(data) <= SHORT else _as_mask(data)

    def as_if_closed(self) -> Bools:
        """Returns the mask of all tokens so far, [t] bool, as if nothing more came."""
        row = copy.copy(self)
        row.mask, row._owners = self.mask.copy(), self._owners.copy()
        row._part_from(self)
        row.close()
        return np.frombuffer(row.mask, np.bool_)

    # ---- tokens that are no whole characters
    def _piece(self, token: int, at: int) -> None:
        data = self.reader.data(token)
        if data is None:  # a boundary, before the character was complete
            self._flush()
            self._read(WALL, at, at)
        elif data:
            self._bytes += data
            self._owners += [at] * len(data)
            self._decode(final=False)
        elif (oldest := self._waiting(at)) < at:
            self._empty = [*(token for token in self._empty if token >= oldest), at]

    def _flush(self) -> None:
        if self._bytes:
            self._decode(final=True)  # what there is of the character, byte by byte

    def _decode(self, final: bool) -> None:
        if self.state is PENDING:
            self.state = self._held
        text, used = codecs.utf_8_decode(self._bytes, "surrogateescape", final)
        at = 0
        for char in text:
            size = 1 if 0xDC80 <= ord(char) <= 0xDCFF else len(char.encode())
            self._read(char, self._owners[at], self._owners[at + size - 1])
            at += size
        self._bytes, self._owners = self._bytes[used:], self._owners[used:]
        if self._bytes:
            self._held, self.state = self.state, PENDING

    def _read(self, symbol: int | str, first: int, last: int) -> None:
        step = self.state[symbol]
        assert step is not None, "only a token can be in pieces"
        self.state = step[0]
        self._take(step, first, last)

    # ---- what is planning
    def _mark(self, first: int, last: int) -> None:
        """Makes tokens planning, the last one included."""
        self.mask[first : last + 1] = b"\1" * (last + 1 - first)
        for token in self._empty:
            if first <= token <= last:
                self.mask[token] = 0

    @abstractmethod
    def _take(self, step: Any, first: int, last: int) -> None:
        """Notes what a step says of the text that begins in token `first` and ends in token `last`."""

    @abstractmethod
    def _waiting(self, end: int) -> int:
        """Returns the first token that is not final, `end` where all are."""

    @abstractmethod
    def _part_from(self, other: GrowingRow) -> None:
        """Gives this copy of a row its own lists."""


class GramRow(GrowingRow):
    """A rollout with the span type "gram": what waits is text that may still be, or become, a gram."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._open: list[int] = []  # the token of each byte that waits
        self._split: dict[int, int] = {}  # token -> the one in which its last character ends, where that is another

    def _take(self, step: GramStep, first: int, last: int) -> None:
        _, size, hits, still_open = step
        waiting = self._open
        if not still_open and not hits:
            if waiting:
                waiting.clear()
            return
        waiting += [first] * size
        if last != first and size:  # white space that goes on adds nothing
            self._split = {token: end for token, end in self._split.items() if token >= waiting[0]}
            self._split[first] = last
        for begin, end in hits:
            self._mark(waiting[-begin], self._end(end))
        del waiting[: len(waiting) - still_open]

    def _end(self, back: int) -> int:
        """Returns the token in which a character ends whose last byte is so far from the end."""
        token = self._open[-back]
        if token in self._split and (back == 1 or self._open[1 - back] != token):
            return self._split[token]
        return token

    def _waiting(self, end: int) -> int:
        return (self._open or self._owners or [end])[0]

    def _part_from(self, other: GrowingRow) -> None:
        self._open = self._open.copy()


class SentenceRow(GrowingRow):
    """A rollout with the span type "sentence": what waits is the open sentence."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._grams: set[int] = set()  # of the open sentence
        self._first = self._last = -1  # its first and last token with more than white space

    def _take(self, step: SentenceStep, first: int, last: int) -> None:
        for grams, solid, ended in step[1]:
            self._grams.update(grams)
            if solid:
                self._first, self._last = first if self._first < 0 else self._first, last
            if ended:
                if self._first >= 0 and self.reader.planning(self._grams):
                    self._mark(self._first, self._last)
                self._grams, self._first = set(), -1

    def _waiting(self, end: int) -> int:
        return self._first if self._first >= 0 else (self._owners or [end])[0]

    def _part_from(self, other: GrowingRow) -> None:
        self._grams = self._grams.copy()


def new_row(reader: Reader) -> GrowingRow:
    """Returns an empty rollout of the reader's span type."""
    return SentenceRow(reader) if reader.sentences else GramRow(reader)
