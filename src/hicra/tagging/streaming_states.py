"""Says what a token does to a rollout that is tagged while it grows. Each pair of a state and a token is worked out once.

A state is where the automaton of the grams stands, and the class of the last character. From it and the next token follows
everything: the next state, which spans end, and how much of the text may still become one. The answers are kept in the states
themselves, so a token that was seen in a state costs one look-up in a dictionary, whatever its bytes and however many grams there
are.

Here the automaton reads the text with `EDGE`, a byte that no text has, before each letter, digit or mark that does not go on
with a word, and the grams are written in the same way. So a gram that begins inside a word is never even begun. It ends where
the next character does not go on with its word, or at the end.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from hicra.tagging.tagger import Tagger
from hicra.text.automaton import Automaton
from hicra.text.fold import ALONE, MARK, OTHER, SPACE, WORD, char_class, fold_char, inside_words
from hicra.text.pieces import LINE_END, fold_texts
from hicra.text.sentences import STOPS, WIDE_STOPS
from hicra.text.stream import EMPTY, FRAGMENT
from hicra.text.stream import WALL as IS_WALL

WALL = -1  # in place of a token: a boundary
STOP = 7  # class of a character after which white space ends a sentence, beside those of hicra.text.fold
EDGE = b"\xff"
MOST_STEPS = 2**18  # answers that are kept, some 170 bytes each; then they are forgotten and worked out anew
TOKENS_KEPT = 2**13  # whose characters are kept, since a token is met in several states
_STOPS = frozenset(char.encode() for char in STOPS)
_WIDE = frozenset(char.encode() for char in WIDE_STOPS)

Symbol = int | str  # a token, or a character that is spread over several tokens
Char = tuple[bytes, int]  # folded, with its class


class GramStep(NamedTuple):
    """Says what follows in a state on a token, with the span type "gram".

    Attributes:
        state: the next state.
        size: number of bytes that the automaton read.
        hits: grams that are planning for sure, as (first, last) of their bytes, counted from the end: 1 is the last byte.
        open: how many of the last bytes may still be, or become, a gram.
    """

    state: State
    size: int
    hits: tuple[tuple[int, int], ...]
    open: int


class Part(NamedTuple):
    """Holds a part of a sentence.

    Attributes:
        grams: the grams that end in it, or before it and are known only now.
        solid: whether it has more than white space.
        ended: whether the sentence ends with it.
    """

    grams: tuple[int, ...]
    solid: bool
    ended: bool


class SentenceStep(NamedTuple):
    """Says what follows in a state on a token, with the span type "sentence": the next state, and the parts of sentences."""

    state: State
    parts: tuple[Part, ...]


Step = GramStep | SentenceStep


class State(dict[Symbol, Step | None]):
    """Holds what follows on each symbol; None for a token that is no whole characters, which its row must put together.

    Attributes:
        at: where the automaton stands.
        before: the class of the last character; a mark counts like what it follows.
    """

    __slots__ = ("at", "before", "reader")

    def __init__(self, reader: Reader, at: int, before: int) -> None:
        self.reader, self.at, self.before = reader, at, before

    def __missing__(self, symbol: Symbol) -> Step | None:
        return self.reader.learn(self, symbol)


class Reader:
    """Works out steps; one for each tagger (`reader_of`). What it has learnt serves all rollouts."""

    def __init__(self, tagger: Tagger) -> None:
        self.sentences = tagger.unit == "sentence"
        self.vocabulary, self.used = tagger.vocabulary, tagger.used
        self.weights, self.threshold = tagger.weights, tagger.threshold
        self._automaton = Automaton(_edged([tagger.phrases[index] for index in self.used]))
        self._flags = self.vocabulary.flags.tobytes()
        self._chars = functools.lru_cache(TOKENS_KEPT)(self._chars_of)
        self._states: dict[tuple[int, int], State] = {}
        self._known = 0

    def start(self) -> State:
        """Returns the state at the beginning of a text."""
        return self._state(0, OTHER)

    def learn(self, state: State, symbol: Symbol) -> Step | None:
        """Works out what follows in a state on a symbol, and keeps it there."""
        if self._known >= MOST_STEPS:
            for one in self._states.values():
                one.clear()
            self._states.clear()
            self._known = 0
        self._known += 1
        state[symbol] = step = self._step(state, symbol)
        return step

    def data(self, token: int) -> bytes | None:
        """Returns the bytes of a token as its tokenizer spells them; None for a boundary."""
        if self._is_wall(token):
            return None
        raw = self.vocabulary.raw
        begin = int(raw.start[token])
        return raw.blob[begin : begin + int(raw.length[token])].tobytes()

    def planning(self, grams: Iterable[int]) -> bool:
        """Says whether a sentence with these grams is planning, as `Tagger` does: weights are added in the lexicon's order."""
        found, total = sorted(grams), 0.0
        for gram in found:  # sum() of Python 3.12 rounds in another way than numpy
            total += self.weights.item(gram)
        return bool(found) and total > self.threshold

    def _state(self, at: int, before: int) -> State:
        key = at, before
        if key not in self._states:
            self._states[key] = State(self, at, before)
        return self._states[key]

    def _is_wall(self, token: int) -> bool:
        return not 0 <= token < self.vocabulary.size or bool(self._flags[token] & IS_WALL)

    def _step(self, state: State, symbol: Symbol) -> Step | None:
        if isinstance(symbol, str):
            chars = [_one(symbol)]
        elif self._is_wall(symbol):
            return self._wall(state)
        elif self._flags[symbol] & (FRAGMENT | EMPTY):
            return None
        else:
            chars = self._chars(symbol)
        return self._of_sentences(state, chars) if self.sentences else self._of_grams(state, chars)

    def _chars_of(self, token: int) -> list[Char]:
        """Returns the folded characters of a token that is whole characters."""
        begin = int(self.vocabulary.start[token])
        part = slice(begin, begin + int(self.vocabulary.length[token]))
        data, kinds = self.vocabulary.data[part].tobytes(), self.vocabulary.kind[part].tolist()
        if data.isascii():
            return [(data[at : at + 1], kind) for at, kind in enumerate(kinds)]
        starts = [at for at, byte in enumerate(data) if byte & 0xC0 != 0x80]
        return [(data[low:high], kinds[low]) for low, high in zip(starts, [*starts[1:], len(data)], strict=True)]

    def _wall(self, state: State) -> Step:
        grams = self._automaton.ending(state.at)
        if self.sentences:
            return SentenceStep(self.start(), (Part(self._indices(grams), False, True),))
        return GramStep(self.start(), 0, self._ranges([(0, gram) for gram in grams], 0), 0)

    def _of_grams(self, state: State, chars: list[Char]) -> GramStep:
        automaton, at, before = self._automaton, state.at, state.before
        size, ended = 0, list[tuple[int, int]]()  # bytes read, and (bytes read before it ended, gram)
        for data, kind in chars:
            if kind in (SPACE, LINE_END):
                if before == SPACE:
                    continue
                kind = SPACE
            inside, after = _follows(before, kind)
            if not inside:
                ended += [(size, gram) for gram in automaton.ending(at)]
                if kind in (WORD, MARK):
                    data = EDGE + data
            at, before, size = automaton.walk(at, data), after, size + len(data)
        return GramStep(self._state(at, before), size, self._ranges(ended, size), automaton.begun(at))

    def _of_sentences(self, state: State, chars: list[Char]) -> SentenceStep:
        automaton, at, before = self._automaton, state.at, state.before
        parts, grams, solid = list[Part](), list[int](), False
        for data, kind in chars:
            if kind in (SPACE, LINE_END):
                if before != SPACE:
                    grams += automaton.ending(at)
                if kind == LINE_END or before == STOP:
                    parts.append(Part(self._indices(grams), solid, True))
                    grams, solid, at = [], False, 0
                elif before != SPACE:
                    at = automaton.walk(at, data)
                before = SPACE
                continue
            inside, after = _follows(before, kind)
            if not inside:
                grams += automaton.ending(at)
                if kind in (WORD, MARK):
                    data = EDGE + data
            at, before, solid = automaton.walk(at, data), STOP if data in _STOPS else after, True
            if data in _WIDE:
                parts.append(Part(self._indices([*grams, *automaton.ending(at)]), True, True))
                grams, solid, at = [], False, 0
        if grams or solid:
            parts.append(Part(self._indices(grams), solid, False))
        return SentenceStep(self._state(at, before), tuple(parts))

    def _ranges(self, ended: list[tuple[int, int]], size: int) -> tuple[tuple[int, int], ...]:
        length = self._automaton.length
        return tuple({(size - at + length.item(gram), size - at + 1): None for at, gram in ended})

    def _indices(self, grams: list[int]) -> tuple[int, ...]:
        return tuple(self.used.item(gram) for gram in dict.fromkeys(grams))


_READERS: WeakKeyDictionary[Tagger, Reader] = WeakKeyDictionary()


def reader_of(tagger: Tagger) -> Reader:
    """Returns the reader of a tagger, made once, so that all streams of a tagger share what was learnt.

    Raises:
        ConfigError: the tagger has no tokenizer.
    """
    if tagger not in _READERS:
        _READERS[tagger] = Reader(tagger)
    return _READERS[tagger]


def _follows(before: int, kind: int) -> tuple[bool, int]:
    """Says whether a character goes on with a word (as `hicra.text.fold.inside_words` does), and the class that it leaves."""
    if kind == MARK:
        inside = before in (WORD, ALONE)
        return inside, before if inside else OTHER
    return kind == WORD == before, kind


def _one(char: str) -> Char:
    kind = LINE_END if char in "\n\r" else char_class(char)
    return fold_char(char).encode("utf-8", "surrogatepass"), kind


def _edged(phrases: list[str]) -> list[bytes]:
    """Returns the folded bytes of grams, with `EDGE` where the text has it."""
    pieces = fold_texts(phrases)
    first = (pieces.data & 0xC0) != 0x80  # of a character
    words = (pieces.kind == WORD) | (pieces.kind == MARK)
    at = np.flatnonzero(first & words & ~inside_words(pieces.kind))
    data = np.insert(pieces.data, at, EDGE[0]).tobytes()
    low = pieces.start + np.searchsorted(at, pieces.start)
    stop = pieces.start + pieces.length
    high = stop + np.searchsorted(at, stop)
    return [data[begin:end] for begin, end in zip(low.tolist(), high.tolist(), strict=True)]
