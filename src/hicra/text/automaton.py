"""Finds every occurrence of many byte strings in one pass, with an Aho-Corasick automaton.

The transition table is complete (Aho and Corasick 1975, the deterministic form), so a step is one table look-up. The text
is cut into lanes, and numpy steps through all lanes at once. Each lane begins a little before its own stretch of the text:
after one byte less than the longest gram has, the state no longer depends on where the lane began. Matches come out as
arrays, so the cost hardly grows with their number. benchmarks/bench_tagger.py compares it with matchers in Rust and C.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hicra.arrays import Bytes, Int32s, Ints
from hicra.errors import DataError

# One numpy step costs about as much as this many look-ups. The number of lanes balances that against the bytes read twice.
STEP = 750
SMALL = 2**22  # entries of a transition table that is kept as int64


class Level(NamedTuple):
    """Holds the nodes of the trie at one depth: `node` is the child of `parent` by the byte class `label`."""

    parent: Ints
    label: Ints
    node: Ints


class Automaton:
    """Finds overlapping matches of grams.

    Args:
        grams: byte strings, all different and none empty.

    Raises:
        DataError: the transition table would have 2**31 entries (8 GiB) or more.
    """

    def __init__(self, grams: Sequence[bytes]) -> None:
        self.length = np.array([len(gram) for gram in grams], np.int64)
        self._longest = int(self.length.max(initial=1))
        text = np.frombuffer(b"".join(grams), np.uint8)
        used = np.unique(text)
        self._class = np.zeros(256, np.uint8)  # class 0: bytes that no gram holds
        self._class[used] = np.arange(1, len(used) + 1)
        self._number = self._class.tobytes()  # the same for Python, which reads bytes faster than arrays
        self._classes = classes = len(used) + 1
        levels, ends, states = _trie(self._class[text].astype(np.int64), self.length, classes)
        if states * classes >= 2**31:
            raise DataError(f"{len(grams)} grams need a table of {states} x {classes} entries", "take fewer grams")
        gram = np.full(states, -1, np.int64)
        gram[ends] = np.arange(len(grams))
        depth = np.zeros(states, np.int32)
        for number_of_bytes, level in enumerate(levels, 1):
            depth[level.node] = number_of_bytes
        table, shorter = _transitions(levels, gram, states, classes)
        found = (gram >= 0) | (shorter > 0)
        order = np.argsort(found, kind="stable")  # states that report a match come last, so one comparison finds them
        number = np.empty(states, np.int64)
        number[order] = np.arange(states)
        # numpy indexes with int64 and converts what is not, which a table that fits no cache has not the room for
        small = states * classes < SMALL
        self._step = (number[table[order]] * classes).astype(np.int64 if small else np.int32).ravel()
        self._reports = int((~found).sum()) * classes
        self._gram, self._shorter, self._depth = gram[order], number[shorter[order]], depth[order]

    def classes(self, data: Bytes) -> Bytes:
        """Returns the class of each byte, which is what `find_classes` reads: 0 for bytes that no gram holds."""
        return self._class.take(data, mode="clip")

    def find(self, data: Bytes) -> tuple[Ints, Ints, Ints]:
        """Returns (gram, start, stop) of every occurrence in `data`: half-open byte ranges, in no order."""
        return self.find_classes(self.classes(data))

    def find_classes(self, classes: Bytes) -> tuple[Ints, Ints, Ints]:
        """Returns what `find` does, for a text of which the classes of its bytes are known."""
        n, before = len(classes), min(self._longest - 1, len(classes))
        lanes = max(1, min(n, math.isqrt(STEP * n // max(before, 1))))
        stretch = -(-n // lanes)
        walked = self._walk(classes, lanes, stretch, before)
        at = np.flatnonzero(walked >= self._reports)
        state = (walked[at] // self._classes).astype(np.int64)
        step = at // lanes
        stop = (at - step * lanes) * stretch + step + 1
        grams, stops = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        while state.size:  # a state reports its own gram, then the grams that are suffixes of it
            gram = self._gram[state]
            own = gram >= 0
            grams.append(gram[own])
            stops.append(stop[own])
            state = self._shorter[state]
            more = state > 0
            state, stop = state[more], stop[more]
        gram, stop = np.concatenate(grams), np.concatenate(stops)
        return gram, stop - self.length[gram], stop

    # ---- a few bytes at a time, for texts that grow
    def walk(self, state: int, data: bytes) -> int:
        """Returns the state after some more bytes; that of the empty text is 0."""
        step, number = self._step, self._number
        for byte in data:
            state = step.item(state + number[byte])
        return state

    def ending(self, state: int) -> list[int]:
        """Returns the grams that end where this state was reached, by their index."""
        found = []
        if state >= self._reports:
            at = state // self._classes
            while True:
                if (gram := self._gram.item(at)) >= 0:
                    found.append(gram)
                if (at := self._shorter.item(at)) <= 0:
                    break
        return found

    def begun(self, state: int) -> int:
        """Returns how many of the last bytes are the beginning of a gram, or a whole one; the longest such stretch counts."""
        return self._depth.item(state // self._classes)

    def _walk(self, classes: Bytes, lanes: int, stretch: int, before: int) -> Ints | Int32s:
        """Returns the state after each byte, times the number of classes, [stretch * lanes]: byte 0 of every lane, byte 1, ..."""
        padded = np.zeros(before + lanes * stretch, np.uint8)
        padded[before : before + len(classes)] = classes
        rows = np.lib.stride_tricks.as_strided(padded, (before + stretch, lanes), (1, stretch))
        number, take, add = self._step.dtype, self._step.take, np.add
        index = rows.astype(number, order="C")
        states = np.empty((stretch, lanes), number)
        last, warm = np.zeros(lanes, number), np.empty(lanes, number)
        for at in index[:before]:  # no state of these bytes is asked for
            last = take(add(last, at, out=at), out=warm, mode="clip")
        for at, state in zip(index[before:], states, strict=True):
            last = take(add(last, at, out=at), out=state, mode="clip")
        return states.ravel()


def _trie(text: Ints, length: Ints, classes: int) -> tuple[list[Level], Ints, int]:
    """Returns the levels of the trie, the node where each gram ends, and the number of nodes; node 0 is the root."""
    offset = np.cumsum(length) - length
    ends, open_, nodes = np.zeros(len(length), np.int64), np.arange(len(length)), 1
    levels = []
    for depth in range(int(length.max(initial=0))):
        open_ = open_[length[open_] > depth]
        edges, which = np.unique(ends[open_] * classes + text[offset[open_] + depth], return_inverse=True)
        levels.append(Level(*np.divmod(edges, classes), nodes + np.arange(len(edges))))
        ends[open_] = levels[-1].node[which]
        nodes += len(edges)
    return levels, ends, nodes


def _transitions(levels: list[Level], gram: Ints, states: int, classes: int) -> tuple[Int32s, Ints]:
    """Returns the next states [S,C], and the longest proper suffix of each state that is a gram, [S] (0: none)."""
    table = np.zeros((states, classes), np.int32)
    suffix, shorter = np.zeros(states, np.int64), np.zeros(states, np.int64)
    for depth, (parent, label, node) in enumerate(levels):
        if depth:
            suffix[node] = table[parent, label]  # this row of the table is still that of the parent's suffix
        table[parent, label] = node
        shorter[node] = np.where(gram[suffix[node]] >= 0, suffix[node], shorter[suffix[node]])
        table[node] = table[suffix[node]]
    return table, shorter
