"""Other ways to tag exactly, for the tagging benchmark: one regex on the text, Aho-Corasick on bytes or on token ids.

Independent of hicra: they follow docs/concepts/tagging.md from a table of token bytes that the caller gives. `find` takes
ids [B,T] and the policy's tokens [B,T] (a prefix of each row) and returns a mask [B,T].

Where they stop short of the rule: a letter whose lower form has more bytes than itself stays in the byte matchers; the
regexes know combining marks only where no gram has one. The id matcher knows four spellings a gram and no others.
"""

from __future__ import annotations

import importlib.util
import itertools
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Table = list[bytes | None]  # id -> bytes, None for special tokens
Found = tuple[Ints, Ints]  # starts and stops of hits
SPACES = frozenset(
    [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
)
SPACE_CLASS = "[" + "".join(re.escape(chr(point)) for point in sorted(SPACES)) + "]+"
BEFORE, AFTER = r"(?<!\w)", r"(?!\w)"
HIGH = re.compile(rb"[\x80-\xff]+")


def fold_char(char: str) -> str:
    """The folded form of a character."""
    if ord(char) in SPACES:
        return " "
    if char in "\u2018\u2019\uff07":
        return "'"
    low = char.lower()
    return low if len(low) == 1 and low.upper() == char else char


def in_word(char: str) -> bool:
    """Whether a character (a mark apart) is part of a word."""
    category = unicodedata.category(char)
    return char == "_" or category[0] == "L" or category == "Nd"


def marked(shape: tuple[int, int], first: Ints, last: Ints, place: Ints, solid: Bools) -> Bools:
    """[B,T] mask of tokens first..last (inclusive, indices into `place`) that have bytes."""
    edge = np.zeros(len(place) + 1, np.int32)
    np.add.at(edge, first, 1)
    np.add.at(edge, last + 1, -1)
    mask = np.zeros(shape[0] * (shape[1] + 1), np.bool_)
    mask[place[(np.cumsum(edge[:-1]) > 0) & solid]] = True
    return mask.reshape(shape[0], shape[1] + 1)[:, :-1]


class AlternationRegex:
    """One regex of all grams on the decoded, folded text of each row; offsets back to tokens by binary search.

    A lookahead finds the longest gram at each start, so that overlapping occurrences all count.
    """

    name = "regex, one alternation"

    def __init__(self, grams: Sequence[str], table: Table, tokenizer: Any) -> None:
        self.pieces = [piece or b"" for piece in table]
        self.folds: dict[int, str] = {}
        self.kept = set("".join(grams))
        edges: dict[tuple[bool, bool], list[str]] = {}
        for gram in sorted(grams, key=len, reverse=True):
            edges.setdefault((in_word(gram[0]), in_word(gram[-1])), []).append(gram)
        # the borders stand outside of the alternatives, else the engine cannot choose among these by their first letter
        self.regexes = [
            re.compile(rf"{before * BEFORE}(?=((?:{self.pattern(group)}){after * AFTER}))")
            for (before, after), group in edges.items()
        ]

    def pattern(self, grams: list[str]) -> str:
        return "|".join(SPACE_CLASS.join(map(re.escape, gram.split(" "))) for gram in grams)

    def fold(self, text: str) -> str:
        if text.isascii():
            return text.lower()
        for char in set(text):
            if ord(char) not in self.folds:
                low = fold_char(char)
                # \w takes all numerals for part of a word, the rule decimal digits only
                odd = not in_word(low) and low.isalnum() and low not in self.kept
                self.folds[ord(char)] = "\ufffd" if odd else low if low != " " else char
        marks = [i for i, char in enumerate(text) if char > "\u02ff" and unicodedata.category(char)[0] == "M"]
        folded = text.translate(self.folds)
        if not marks or not self.kept.isdisjoint(text[i] for i in marks):
            return folded
        chars = list(folded)
        for i in marks:  # a mark is what it follows: any letter, or any other sign
            chars[i] = "\u00aa" if i and in_word(chars[i - 1]) else "\ufffd"
        return "".join(chars)

    def find(self, ids: Ints, live: Bools) -> Bools:
        mask = np.zeros_like(live)
        for row, length in enumerate(live.sum(axis=1).tolist()):
            pieces = [self.pieces[i] for i in ids[row, :length].tolist()]
            text = b"".join(pieces).decode("utf-8", "surrogateescape")
            folded = self.fold(text)
            hits = [match.span(1) for regex in self.regexes for match in regex.finditer(folded)]
            if not hits:
                continue
            size = np.fromiter(map(len, pieces), np.int64, length)
            stop = np.cumsum(size)
            where = np.array(hits)
            if not text.isascii():
                points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
                wide = 1 + (points > 0x7F).astype(np.int64) + (points > 0x7FF) + (points > 0xFFFF)
                wide[(points >= 0xDC80) & (points <= 0xDCFF)] = 1
                where = np.append(0, np.cumsum(wide))[where]
            first = np.searchsorted(stop, where[:, 0], side="right")
            last = np.searchsorted(stop - size, where[:, 1], side="left") - 1
            mask[row, :length] = marked((1, length), first, last, np.arange(length), size > 0)[0]
        return mask


class TrieRegex(AlternationRegex):
    """The same with the alternatives merged into a trie, so that the engine tries each common beginning once."""

    name = "regex, alternatives as a trie"

    def pattern(self, grams: list[str]) -> str:
        root: dict[str, Any] = {}
        for gram in grams:
            node = root
            for char in gram:
                node = node.setdefault(char, {})
            node[""] = {}
        return self.branch(root)

    def branch(self, node: dict[str, Any]) -> str:
        path = []
        while len(node) == 1 and "" not in node:
            ((char, node),) = node.items()
            path.append(self.letter(char))
        rest = [self.letter(char) + self.branch(child) for char, child in node.items() if char]
        if "" in node and rest:
            rest.append("")  # last, so that the longest gram wins
        return "".join(path) + (f"(?:{'|'.join(rest)})" if rest else "")

    @staticmethod
    def letter(char: str) -> str:
        return SPACE_CLASS if char == " " else re.escape(char)


class ByteMatcher:
    """Aho-Corasick over the folded bytes of a whole batch: numpy gathers, folds, checks borders and maps back to tokens."""

    engine = ""  # the package that matches

    def __init__(self, grams: Sequence[str], table: Table, tokenizer: Any) -> None:
        pieces = [*(b"\0" if piece is None else piece for piece in table), b"\0"]  # 0 is a wall
        self.length = np.array([len(piece) for piece in pieces], np.int64)
        self.start = np.cumsum(self.length) - self.length
        self.blob = np.frombuffer(b"".join(pieces), np.uint8)
        self.wall = np.array([*(piece is None for piece in table), True])
        low = [fold_char(chr(byte)) if byte < 128 else chr(byte) for byte in range(256)]
        self.folds = np.array([ord(char) for char in low], np.uint8)
        self.words = np.array([byte < 128 and in_word(chr(byte)) for byte in range(256)])
        self.high: dict[tuple[bytes, bool], tuple[Bytes, Bools, Bools]] = {}
        self.search = self.build([gram.encode() for gram in grams])

    def build(self, grams: list[bytes]) -> Callable[[bytes], Found]:
        raise NotImplementedError

    def find(self, ids: Ints, live: Bools) -> Bools:
        rows, width = ids.shape
        tokens = np.full((rows, width + 1), len(self.length) - 1, np.int64)
        np.copyto(tokens[:, :-1], ids, where=live)
        flat = tokens.ravel()
        wall = self.wall[flat]
        place = np.flatnonzero(~(wall & np.append(False, wall[:-1])))
        flat = flat[place]
        length = self.length[flat]
        stop = np.cumsum(length)
        begin = stop - length
        data = self.folds[self.blob[np.repeat(self.start[flat] - begin, length) + np.arange(stop[-1])]]
        word = self.words[data]
        keep = np.ones(len(data), np.bool_)
        if (data >= 128).any():
            data, word, keep = self.beyond_ascii(data, word, keep)
        index = np.flatnonzero(keep)
        space = data[index] == 32
        index = index[~(space & np.append(False, space[:-1]))]  # of a run of white space the first stays
        text, word = data[index], word[index]
        low, high = self.search(text.tobytes())
        padded = np.concatenate([[False], word, [False]])
        good = ~(padded[low] & padded[low + 1]) & ~(padded[high] & padded[high + 1])
        low, high = index[low[good]], index[high[good] - 1]
        first = np.searchsorted(stop, low, side="right")
        last = np.searchsorted(stop, high, side="right")
        return marked((rows, width), first, last, place, (length > 0) & ~self.wall[flat])

    def beyond_ascii(self, data: Bytes, word: Bools, keep: Bools) -> tuple[Bytes, Bools, Bools]:
        """Folds what is no ASCII, run by run; a run seen before is looked up."""
        raw = data.tobytes()
        for match in HIGH.finditer(raw):
            low, high = match.span()
            key = (match[0], bool(low and word[low - 1]))
            if key not in self.high:
                self.high[key] = _fold_run(*key)
            data[low:high], word[low:high], keep[low:high] = self.high[key]
        return data, word, keep


def _fold_run(raw: bytes, before: bool) -> tuple[Bytes, Bools, Bools]:
    """(folded bytes, word flags, which bytes stay) of a run without ASCII; `before`: whether it follows a word."""
    data, word, keep = [], [], []
    for char in raw.decode("utf-8", "surrogateescape"):
        size = len(char.encode("utf-8", "surrogateescape"))
        low = fold_char(char).encode("utf-8", "surrogateescape")
        if len(low) > size:
            low = char.encode("utf-8", "surrogateescape")
        before = before if unicodedata.category(char)[0] == "M" else in_word(char)
        data += [*low, *[0] * (size - len(low))]
        keep += [True] * len(low) + [False] * (size - len(low))
        word += [before] * size
    return np.array(data, np.uint8), np.array(word), np.array(keep)


def _columns(hits: list[tuple[int, ...]], width: int) -> Ints:
    return np.fromiter(itertools.chain.from_iterable(hits), np.int64, width * len(hits)).reshape(-1, width)


class Ahocorasick(ByteMatcher):
    name, engine = "pyahocorasick on bytes", "ahocorasick"

    def build(self, grams: list[bytes]) -> Callable[[bytes], Found]:
        import ahocorasick

        automaton = ahocorasick.Automaton(ahocorasick.STORE_INTS)
        for gram in grams:
            automaton.add_word(gram.decode("latin-1"), len(gram))
        automaton.make_automaton()

        def search(text: bytes) -> Found:
            found = _columns(list(automaton.iter(text.decode("latin-1"))), 2)
            return found[:, 0] + 1 - found[:, 1], found[:, 0] + 1

        return search


class Daachorse(ByteMatcher):
    name, engine = "daachorse on bytes", "daachorse"

    def build(self, grams: list[bytes]) -> Callable[[bytes], Found]:
        import daachorse

        automaton = daachorse.DoubleArrayAhoCorasick(grams)

        def search(text: bytes) -> Found:
            found = _columns(automaton.find_overlapping(text), 3)
            return found[:, 0], found[:, 1]

        return search


class AhocorasickRs(ByteMatcher):
    name, engine = "ahocorasick-rs on bytes", "ahocorasick_rs"

    def build(self, grams: list[bytes]) -> Callable[[bytes], Found]:
        from ahocorasick_rs import BytesAhoCorasick

        automaton = BytesAhoCorasick(grams)

        def search(text: bytes) -> Found:
            found = _columns(automaton.find_matches_as_indexes(text, overlapping=True), 3)
            return found[:, 1], found[:, 2]

        return search


class IdMatcher:
    """Aho-Corasick on token ids: each gram in four spellings (with and without a space before, first letter small or capital),
    encoded once. Quick, but blind to every other spelling of the same words, and to grams glued to other letters.
    """

    name, engine = "Aho-Corasick on token ids", "daachorse"

    def __init__(self, grams: Sequence[str], table: Table, tokenizer: Any) -> None:
        import daachorse

        self.wall = len(table)
        spellings = {
            space + case for gram in grams for case in (gram, gram[0].upper() + gram[1:]) for space in ("", " ")
        }
        encoded = tokenizer.encode_batch(sorted(spellings), add_special_tokens=False)
        texts = sorted({self.text(np.array(code.ids, np.int64)) for code in encoded if code.ids})
        self.automaton = daachorse.CharwiseDoubleArrayAhoCorasick(texts)

    @staticmethod
    def text(ids: Ints) -> str:
        """One character an id; the surrogates are stepped over."""
        return (ids + 0x800 * (ids >= 0xD800)).astype("<u4").tobytes().decode("utf-32-le")

    def find(self, ids: Ints, live: Bools) -> Bools:
        rows, width = ids.shape
        tokens = np.full((rows, width + 1), self.wall, np.int64)
        np.copyto(tokens[:, :-1], ids, where=live)
        flat = tokens.ravel()
        wall = flat == self.wall
        place = np.flatnonzero(~(wall & np.append(False, wall[:-1])))
        found = _columns(self.automaton.find_overlapping(self.text(flat[place])), 3)
        return marked((rows, width), found[:, 0], found[:, 1] - 1, place, ~wall[place])


BYTES = (Ahocorasick, Daachorse, AhocorasickRs)
EXACT = (AlternationRegex, TrieRegex, *BYTES)


def installed(baseline: Any) -> bool:
    """Whether the package that a baseline matches with is there."""
    return not getattr(baseline, "engine", "") or importlib.util.find_spec(baseline.engine) is not None
