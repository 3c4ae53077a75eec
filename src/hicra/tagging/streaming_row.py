"""Holds one rollout while it grows: its waiting text, folded, and the tokens that are final."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

import numpy as np

from hicra.arrays import Bools
from hicra.text.fold import ALONE, MARK, WORD, char_class, fold_char
from hicra.text.sentences import ends

Range = tuple[int, int]  # half-open, tokens
BLANKS = re.compile("[ \n]+")
STANDS_FOR = {WORD: "a", ALONE: "\u4e00"}  # the character before a text, by its class
NO_WORD = "."


class Piece(NamedTuple):
    """Holds a token's bytes, and its folded text where it is whole characters."""

    data: bytes
    text: str | None


class Part(NamedTuple):
    """Holds a folded text to match in, with the first and last token of each character.

    `before` stands for the character before it; `closed` says that nothing can follow.
    """

    row: GrowingRow
    text: list[str]
    first: list[int]
    last: list[int]
    before: str
    closed: bool


class GrowingRow:
    """Holds one rollout: the mask that is final (`past`), and the text that waits."""

    def __init__(self) -> None:
        self.fed = 0
        self.past = bytearray()
        self.ranges: list[Range] = []  # planning for sure
        self.maybe: list[Range] = []  # planning if nothing more comes
        self.empty: list[int] = []  # waiting tokens without bytes: never planning
        self.forget()

    @property
    def done(self) -> int:
        """The number of tokens that are final."""
        return len(self.past)

    def forget(self) -> None:
        """Forgets the waiting text: the next character begins a new one."""
        self.text: list[str] = []
        self.first: list[int] = []
        self.last: list[int] = []
        self.before = NO_WORD
        self.bytes, self.owners = b"", list[int]()  # of a character that is not complete
        self.scanned = 0

    # ---- growing
    def append(self, piece: Piece) -> None:
        """Appends the next token's bytes."""
        if not piece.data:
            self.empty.append(self.fed)
        elif piece.text is not None and not self.bytes:
            self._add(piece.text, self.fed)
        else:
            self.owners += [self.fed] * len(piece.data)
            self.bytes += piece.data
            self._decode(final=False)

    def flush(self) -> None:
        """Appends what there is of an incomplete character, byte by byte."""
        if self.bytes:
            self._decode(final=True)

    def _decode(self, final: bool) -> None:
        text, used = codecs.utf_8_decode(self.bytes, "surrogateescape", final)
        at = 0
        for char in text:
            size = 1 if 0xDC80 <= ord(char) <= 0xDCFF else len(char.encode())
            self._add(_one(char), self.owners[at], self.owners[at + size - 1])
            at += size
        self.bytes, self.owners = self.bytes[used:], self.owners[used:]

    def _add(self, text: str, first: int, last: int | None = None) -> None:
        last = first if last is None else last
        if self.text and text[0] in " \n" and self.text[-1] in " \n":  # the stretch of white space goes on
            if text[0] == "\n":
                self.text[-1] = "\n"
            self.last[-1] = last
            text = text[1:]
        self.text += text
        self.first += [first] * len(text)
        self.last += [last] * len(text)

    # ---- ending
    def ended(self) -> list[Part]:
        """Takes out the sentences that have ended; the open one stays."""
        begin = max(self.scanned - 1, 0)
        stops = [begin + end for end in ends("".join(self.text[begin:]))]
        parts = []
        low = 0
        for high in stops:
            parts.append(Part(self, self.text[low:high], self.first[low:high], self.last[low:high], "", True))
            low = high
        while low < len(self.text) and self.text[low] in " \n":
            low += 1  # a sentence does not begin with white space
        self._drop(low)
        self.scanned = len(self.text)
        return parts

    def open_sentence(self) -> Part:
        """Returns the open sentence as if nothing more came."""
        rest, _ = codecs.utf_8_decode(self.bytes, "surrogateescape", True)
        first, last = [*self.first, *self.owners], [*self.last, *self.owners]
        return Part(self, [*self.text, *rest], first, last, "", False)

    def cut(self, at: int) -> None:
        """Forgets the text before an index."""
        if at:
            self.before = STANDS_FOR.get(class_at(self.text, at - 1, self.before), NO_WORD)
        self._drop(at)

    def _drop(self, count: int) -> None:
        if count:
            self.text, self.first, self.last = self.text[count:], self.first[count:], self.last[count:]

    # ---- what is final
    def boundary(self) -> int:
        """Returns the index one past the last token that is final."""
        waiting = [*self.first[:1], *self.owners[:1]]
        return min(waiting, default=self.fed)

    def release(self, boundary: int) -> Bools:
        """Makes the tokens before `boundary` final and returns their mask."""
        mask = self.masked(boundary, self.ranges)
        self.past += mask.tobytes()
        merged: list[Range] = []
        for low, high in sorted(self.ranges):
            if high <= boundary:
                continue
            if merged and low <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((max(low, boundary), high))
        self.ranges = merged
        self.empty = [token for token in self.empty if token >= boundary]
        return mask

    def masked(self, stop: int, ranges: list[Range]) -> Bools:
        """Returns the mask of the tokens that are not final yet, up to `stop`, [stop - done] bool."""
        mask = np.zeros(max(0, stop - self.done), np.bool_)
        for low, high in ranges:
            mask[max(0, low - self.done) : max(0, high - self.done)] = True
        for token in self.empty:
            if token < stop:
                mask[token - self.done] = False
        return mask


def class_at(text: list[str], at: int, before: str) -> int:
    """Returns the class of a character; a mark counts like what it follows."""
    while at >= 0 and char_class(text[at]) == MARK:
        at -= 1
    return char_class(before if at < 0 else text[at])


def inside_word(text: list[str], at: int, before: str) -> bool:
    """Says whether a character belongs to one word with what stands before it, as `hicra.text.fold.inside_words` does."""
    here = class_at(text, at, before)
    if char_class(text[at]) == MARK:
        return here in (WORD, ALONE)
    return here == WORD and class_at(text, at - 1, before) == WORD


def _one(char: str) -> str:
    """Returns a folded character; white space that ends a line becomes a line end."""
    return "\n" if char in "\n\r" else fold_char(char)


def folded(data: bytes) -> str | None:
    """Returns the folded text of bytes that are whole characters, stretches of white space as one character; else None."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return BLANKS.sub(lambda run: "\n" if "\n" in run[0] else " ", "".join(map(_one, text)))
