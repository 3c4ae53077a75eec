"""Solutions to word ids with split points: what a word is and what no n-gram may cross.

A text is folded as the tagger folds it (hicra.text), so that every mined gram is found again by the tagger. Grams of
the paper's listing keep apostrophes and inner punctuation ("wait, but", "let's double-check"), and so do these.

Deviations (the paper does not say what a word is; hicra-paper section 12 suggests split points):
D1. A word is what stands between white space; `n` counts those.
D2. No n-gram crosses the end of a clause: `.` `!` `?` `:` before white space, a line end, `;`, brackets, quotation
    marks, dashes, the ellipsis.
D3. No n-gram crosses mathematics: LaTeX formulas and code blocks, and any word with a digit, an operator
    (= + * / ^ < > | ~), a symbol, a currency sign, a backslash, an underscore; single letters but "a" and "i" are
    variables. Words without any letter are split points too, except heading marks ("##", as in "## step").
D4. Punctuation at the two edges of an n-gram is not part of it ("let's try," is "let's try"), except a closing question
    mark, which the listing keeps ("does this hold true?").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from hicra.text import code_points, fold, fold_points

SPLIT = 0  # the id of every split point
_BREAK = "\x00"
_DELIMITER = re.compile(r"\$\$|\$|\\[\[\]()]|```|\n")
_CLOSE = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "```": "```"}
_CLAUSE = re.compile(
    r"[.!:]+(?=\s|$)|(?<=\?)(?=\s)|[;()\[\]{}<>|=+*/^~\"`\u201c\u201d\u201e\u00ab\u00bb\u2026\u2013\u2014"
    r"\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]"
)
_FORMULA_CHARS = frozenset("$\\_%&@")
_ONE_LETTER_WORDS = frozenset("ai")


@dataclass
class Vocabulary:
    """Distinct words, numbered from 1; `left[i]` and `right[i]` are the ids of word i without its left (right) edge."""

    words: list[str] = field(default_factory=lambda: [""])
    left: list[int] = field(default_factory=lambda: [SPLIT])
    right: list[int] = field(default_factory=lambda: [SPLIT])
    _ids: dict[str, int] = field(default_factory=dict)

    def add(self, word: str) -> int:
        """The id of a folded word; `SPLIT` where it is a split point."""
        found = self._ids.get(word)
        if found is not None:
            return found
        edges = word_edges(word)
        if edges is None:
            self._ids[word] = SPLIT
            return SPLIT
        number = self._ids[word] = len(self.words)
        self.words.append(word)
        self.left.append(number)
        self.right.append(number)
        self.left[number], self.right[number] = (self.add(edge) for edge in edges)
        return number


def word_edges(word: str) -> tuple[str, str] | None:
    """A folded word without its left edge, and without its right edge; None where the word is a split point (D3).

    >>> word_edges("(wait,"), word_edges("true?"), word_edges("x")
    (('wait,', '(wait'), ('true?', 'true?'), None)
    """
    if word.strip("#") == "":
        return (word, word) if word else None
    if any(char in _FORMULA_CHARS or unicodedata.category(char)[0] in "NS" for char in word):
        return None
    flags = np.flatnonzero(fold_points(code_points(word)).word)
    if not flags.size:
        return None
    first, last = int(flags[0]), int(flags[-1]) + 1
    core = word[first:last]
    if len(core) == 1 and core not in _ONE_LETTER_WORDS and unicodedata.category(core) in ("Ll", "Lu"):
        return None
    right = word[: last + 1] if word[last : last + 1] == "?" else word[:last]
    return word[first:], right


class _Lookup(dict[str, int]):
    """Raw word -> id, folding each distinct raw word once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def __missing__(self, raw: str) -> int:
        number = self[raw] = self.vocabulary.add(fold(raw))
        return number


@dataclass(frozen=True)
class Tokens:
    """A corpus as word ids.

    Attributes:
        ids: [W] int32, `SPLIT` at split points and after each solution.
        starts: [D+1] int64, where each solution starts in `ids`.
        words: [V] the words behind the ids; word 0 is the split point.
        left, right: [V] int32, the id of each word without its left (right) edge.
    """

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]
    words: list[str]
    left: NDArray[np.int32]
    right: NDArray[np.int32]


def tokenise(solutions: Sequence[str]) -> Tokens:
    """Word ids of solutions; see the deviations above for the split points."""
    vocabulary = Vocabulary()
    lookup = _Lookup(vocabulary)
    arrays = []
    for text in solutions:
        words = split_words(text)
        arrays.append(np.fromiter(chain(map(lookup.__getitem__, words), (SPLIT,)), np.int32, len(words) + 1))
    starts = np.cumsum([0, *(len(array) for array in arrays)], dtype=np.int64)
    ids = np.concatenate(arrays) if arrays else np.empty(0, np.int32)
    left, right = np.array(vocabulary.left, np.int32), np.array(vocabulary.right, np.int32)
    return Tokens(ids, starts, vocabulary.words, left, right)


def split_words(text: str) -> list[str]:
    """Raw words of a text, with "\\x00" at split points that are not words of their own."""
    return _CLAUSE.sub(f" {_BREAK} ", cut_formulas(text)).split()


def cut_formulas(text: str) -> str:
    """The text with every LaTeX formula and code block replaced by a split point, in one linear pass.

    A `$` opens before a character that is not white space and closes after one, on the same line and not before a
    digit: so "$5 for eggs and $6" holds no formula.
    """
    if "$" not in text and "\\" not in text and "```" not in text:
        return text
    pieces: list[str] = []
    done, opened, expected = 0, -1, ""
    for match in _DELIMITER.finditer(text):
        mark, start, end = match[0], match.start(), match.end()
        if expected == "$":
            if mark == "\n":
                expected = ""
            elif mark == "$":
                if not text[start - 1].isspace() and not text[end : end + 1].isdigit() and start > opened + 1:
                    pieces += (text[done:opened], f" {_BREAK} ")
                    done, expected = end, ""
                else:
                    opened = start
            continue
        if expected:
            if mark == expected:
                pieces += (text[done:opened], f" {_BREAK} ")
                done, expected = end, ""
        elif mark in _CLOSE:
            opened, expected = start, _CLOSE[mark]
        elif mark == "$" and text[end : end + 1] and not text[end].isspace():
            opened, expected = start, "$"
    pieces.append(text[done:])
    return "".join(pieces)
