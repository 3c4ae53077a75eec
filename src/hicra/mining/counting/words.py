"""Turns solutions into word ids with split points: it says what a word is here and what no n-gram may cross.

A text is folded as the tagger folds it (hicra.text.fold), so that every mined gram is found again by the tagger. Grams of
the paper's listing keep apostrophes and inner punctuation ("wait, but", "let's double-check"), and so do these.

Deviations (the paper does not say what a word is; hicra-paper section 12 suggests split points):
MINE-1. In mining a word is what stands between white space, and each letter of a script that is written without spaces
    (TEXT-5). The length n of an n-gram counts words of the tagging rule, with an apostrophe inside one (TEXT-6): "let's
    double-check" has 3.
MINE-2. No n-gram crosses the end of a clause: `.` `!` `?` `:` before white space, a line end, `;`, brackets, quotation
    marks, dashes, the ellipsis, the full-width and ideographic forms of these, and markup (`<think>`, `<|user|>`).
MINE-3. No n-gram crosses mathematics: LaTeX formulas and code blocks, and any word with a digit, an operator
    (= + * / ^ < > | ~), a symbol, a currency sign, a backslash, an underscore; single letters but "a" and "i" are
    variables. Words without any letter are split points too, except heading marks ("##", as in "## step").
MINE-4. Punctuation at the two ends of an n-gram is not part of it ("let's try," is "let's try"), except a closing question
    mark, which the listing keeps ("does this hold true?").
MINE-21. With a `segmenter`, stretches of letters of scripts without spaces are cut into the words that it returns, and each of
    those is one word in the length of an n-gram. The tagger knows no segmenter: it finds the gram as a string of letters.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import numpy as np

from hicra.arrays import Hashes, Int32s, Ints
from hicra.corpus.turns import WALL
from hicra.mining.counting.segmenters import Segmenter, open_segmenter
from hicra.text.fold import ALONE, MARK, WORD, char_class, fold_char
from hicra.text.words import count_words, pieces_of

SPLIT = 0  # the id of every split point
CACHE = 2**18  # raw words whose ids are remembered
LETTER = 2**16  # added to the size of a letter of a script without spaces
LARGEST = 255  # a word of more words counts for this many: no n-gram is so long
NO_SIZE = 2**32  # the size of a split point: larger than that of any n-gram
_BREAK = "\x00"
GLUE = "\x01"  # before a word that follows the last one without a space; no text holds it, since control characters are cut
_DELIMITER = re.compile(r"\$\$|\$|\\[\[\]()]|```|\n")
_CLOSE = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "```": "```"}
_CLAUSE = re.compile(
    r"[.!:]+(?=\s|$)|(?<=\?)(?=\s)|[;()\[\]{}<>|=+*/^~\"`\u201c\u201d\u201e\u00ab\u00bb\u2026\u2013\u2014"
    r"\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029"
    r"\u3008-\u3011\u3014-\u301f\uff02\uff08\uff09\uff0e\uff3b\uff3d\uff5b\uff5d-\uff64"  # brackets and stops of CJK
    r"\u104a\u104b\u17d4\u17d5]"  # the ends of sentences in Myanmar and Khmer
)
_ATTRIBUTE = r"""\s+[\w:.-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s<>"'=]+)"""
_MARKUP = re.compile(rf"</?[A-Za-z][\w:.-]*(?:{_ATTRIBUTE})*\s*/?>|<[|\uff5c][^<>\n]{{0,64}}?[|\uff5c]>")
_FORMULA_CHARS = frozenset("$\\_%&@")
_ONE_LETTER_WORDS = frozenset("ai")


class _Folds(dict[int, int]):
    """Maps a code point to the folded one, for `str.translate`; it is filled as characters turn up."""

    def __missing__(self, point: int) -> int:
        folded = self[point] = ord(fold_char(chr(point)))
        return folded


class _Kinds(dict[int, str]):
    """Maps a code point to "x" (cuts the word), "w" (belongs to a word), "m" (belongs to what it follows) or "o" (none)."""

    def __missing__(self, point: int) -> str:
        char = chr(point)
        kind = char_class(char)
        cuts = char in _FORMULA_CHARS or unicodedata.category(char)[0] in "NS"
        letter = self[point] = "x" if cuts else "w" if kind in (WORD, ALONE) else "m" if kind == MARK else "o"
        return letter


_FOLDS, _KINDS = _Folds(), _Kinds()


def fold_word(word: str) -> str:
    """Folds a text without white space as `hicra.text.fold.fold` does, character by character."""
    return word.lower() if word.isascii() else word.translate(_FOLDS)


def word_edges(word: str) -> tuple[str, str] | None:
    """Returns a folded word without the punctuation on its left, and on its right; None for a split point (MINE-3).

    >>> word_edges("(wait,"), word_edges("true?"), word_edges("x")
    (('wait,', '(wait'), ('true?', 'true?'), None)
    """
    kinds = word.translate(_KINDS)
    if "w" not in kinds:
        return (word, word) if word and not word.strip("#") else None
    if "x" in kinds:
        return None
    first, last = kinds.index("w"), kinds.rindex("w") + 1
    last += len(kinds) - last - len(kinds[last:].lstrip("m"))
    variable = last == first + 1 and word[first] not in _ONE_LETTER_WORDS
    if variable and unicodedata.category(word[first]) in ("Ll", "Lu"):
        return None
    right = word[: last + 1] if word[last : last + 1] == "?" else word[:last]
    return word[first:], right


def core(word: str) -> str:
    """Returns a folded word without the punctuation at both of its ends; "" for a split point."""
    left = word_edges(word)
    right = word_edges(left[0]) if left else None
    return right[1] if right else ""


def size_of(word: str, segmented: bool) -> int:
    """Returns the number of words that a word of mining counts for; that of a letter that stands alone is `LETTER` more.

    Args:
        segmented: a segmenter cut the letters, so that what holds one is one word.
    """
    alone = not word.isascii() and any(char_class(char) == ALONE for char in word)
    if alone and segmented:
        return 1
    return min(count_words(word), LARGEST) + LETTER * alone


@dataclass
class WordVocabulary:
    """Numbers distinct words from 1; `left[i]` and `right[i]` are the ids of word i without punctuation on its left (right).

    `size[i]` is its `size_of`.
    """

    segmented: bool = False
    words: list[str] = field(default_factory=lambda: [""])
    left: list[int] = field(default_factory=lambda: [SPLIT])
    right: list[int] = field(default_factory=lambda: [SPLIT])
    size: list[int] = field(default_factory=lambda: [NO_SIZE])
    _ids: dict[str, int] = field(default_factory=dict)

    def add(self, word: str) -> int:
        """Returns the id of a folded word, `SPLIT` for a split point (those are not stored, since numbers never end)."""
        found = self._ids.get(word)
        if found is not None:
            return found
        edges = word_edges(word)
        if edges is None:
            return SPLIT
        number = self._ids[word] = len(self.words)
        self.words.append(word)
        self.size.append(size_of(word, self.segmented))
        self.left.append(number)
        self.right.append(number)
        self.left[number], self.right[number] = (self.add(edge) for edge in edges)
        return number

    def tables(self) -> tuple[Int32s, Int32s, Ints]:
        """Returns `left` and `right` [V] int32 and `size` [V] int64."""
        return np.array(self.left, np.int32), np.array(self.right, np.int32), np.array(self.size, np.int64)


class _Lookup(dict[str, int]):
    """Maps a raw word to its id and folds each distinct raw word once; it is emptied when it holds `CACHE` of them."""

    def __init__(self, vocabulary: WordVocabulary) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def __missing__(self, raw: str) -> int:
        if len(self) >= CACHE:
            self.clear()
        number = self[raw] = self.vocabulary.add(fold_word(raw))
        return number


@dataclass(frozen=True)
class Tokens:
    """Holds a corpus, or one block of it, as word ids.

    Attributes:
        ids: [W] int32, `SPLIT` at split points and after each solution.
        starts: [D+1] int64, where each solution starts in `ids`.
        words: [V] the words behind the ids; word 0 is the split point.
        left, right: [V] int32, the id of each word without the punctuation on its left (right).
        size: [V] int64, the `size_of` each word, `NO_SIZE` for the split point.
    """

    ids: Int32s
    starts: Ints
    words: list[str]
    left: Int32s
    right: Int32s
    size: Ints


class Chunk(NamedTuple):
    """Holds some solutions, as one worker gets them.

    Attributes:
        texts: the solutions.
        questions: the question of each, None where unknown.
        against: whether they are incorrect solutions, which are not mined but compared with.
    """

    texts: list[str]
    questions: list[str | None]
    against: bool = False


@dataclass(frozen=True)
class Encoded:
    """Holds solutions as ids of a vocabulary of their own: what one worker makes of one chunk.

    Attributes:
        words: [v] the words behind the ids, distinct; word 0 is the split point.
        ids: [W] int32, each solution followed by `SPLIT`.
        lengths: [D] int64, number of ids of each solution, its `SPLIT` included.
        sizes: [D] int64, number of words among those.
        digest: [D, 2] uint64, a 128-bit digest of each text.
        near: [D, 2] uint64, one of its words without numbers, formulas and the punctuation at their ends; zeros where it was
            not asked for.
        question: [D, 2] uint64, one of each question, zeros where there is none.
        against: as in the chunk.
    """

    words: list[str]
    ids: Int32s
    lengths: Ints
    sizes: Ints
    digest: Hashes
    near: Hashes
    question: Hashes
    against: bool


class Encoder:
    """Turns texts into `Encoded`. It remembers words from call to call; what it returns depends on the texts only.

    Args:
        segmenter: what cuts scripts without spaces into words, by name (see `open_segmenter`); None takes each letter.

    Raises:
        ConfigError: the segmenter is unknown or not installed.
    """

    def __init__(self, segmenter: str | None = None) -> None:
        self._segmenter = None if segmenter is None else open_segmenter(segmenter)
        self._start()

    def _start(self) -> None:
        self.vocabulary = WordVocabulary(self._segmenter is not None)
        self.lookup = _Lookup(self.vocabulary)

    def ids(self, texts: Sequence[str]) -> Iterator[Int32s]:
        """Yields the ids of each text in this encoder's vocabulary, `SPLIT` at the end."""
        find = self.lookup.__getitem__
        for text in texts:
            words = split_words(text, self._segmenter)
            yield np.fromiter(chain(map(find, words), (SPLIT,)), np.int32, len(words) + 1)

    def encode(self, chunk: Chunk, near: bool = False) -> Encoded:
        """Encodes one chunk; `near` asks for the digests of that name."""
        if len(self.vocabulary.words) > 4 * CACHE:
            self._start()
        arrays = list(self.ids(chunk.texts))
        ids = np.concatenate([np.empty(0, np.int32), *arrays])
        used = np.zeros(len(self.vocabulary.words), bool)
        used[ids], used[SPLIT] = True, True
        number = np.cumsum(used, dtype=np.int32) - np.int32(1)
        words = [self.vocabulary.words[row] for row in np.flatnonzero(used).tolist()]
        lengths = np.array([len(array) for array in arrays], np.int64)
        sizes = np.array([np.count_nonzero(array != SPLIT) for array in arrays], np.int64)
        digest = _digests(map(_utf8, chunk.texts))
        question = _digests(_utf8(text or "") for text in chunk.questions)
        question[[text is None for text in chunk.questions]] = 0
        ids = number[ids]
        alike = _near(words, ids, lengths) if near else np.zeros_like(digest)
        return Encoded(words, ids, lengths, sizes, digest, alike, question, chunk.against)


def _near(words: list[str], ids: Int32s, lengths: Ints) -> Hashes:
    cores = _digests(_utf8(core(word)) for word in words)
    texts = np.split(ids, np.cumsum(lengths)[:-1])
    return _digests(cores[text[text != SPLIT]].tobytes() for text in texts)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _digests(items: Iterable[bytes]) -> Hashes:
    """Returns a 128-bit digest of each item, [D, 2] uint64."""
    data = b"".join(hashlib.blake2b(item, digest_size=16).digest() for item in items)
    return np.frombuffer(data, ">u8").astype(np.uint64).reshape(-1, 2)


def tokenise(solutions: Sequence[str], segmenter: str | None = None) -> Tokens:
    """Returns the word ids of solutions; see the deviations above for the split points, and `Encoder` for `segmenter`."""
    encoder = Encoder(segmenter)
    arrays = list(encoder.ids(solutions))
    starts = np.cumsum([0, *(len(array) for array in arrays)], dtype=np.int64)
    ids = np.concatenate(arrays) if arrays else np.empty(0, np.int32)
    return Tokens(ids, starts, encoder.vocabulary.words, *encoder.vocabulary.tables())


def split_words(text: str, segmenter: Segmenter | None = None) -> list[str]:
    """Returns the raw words of a text, with "\\x00" at split points that are not words of their own.

    A word that follows the last one without a space begins with `GLUE`: `joined` puts them together again.
    """
    stretches = text.split(WALL) if WALL in text else [text]  # no formula goes on in another turn of a conversation
    bare = _MARKUP.sub(f" {_BREAK} ", WALL.join(map(cut_formulas, stretches)))
    words = _CLAUSE.sub(f" {_BREAK} ", bare).split()
    if text.isascii():
        return words
    cut = pieces_of if segmenter is None else segmenter
    return [piece if at == 0 else GLUE + piece for word in words for at, piece in enumerate(cut(word))]


def joined(words: Iterable[str]) -> str:
    """Returns the text of words in a row."""
    return " ".join(words).replace(f" {GLUE}", "").removeprefix(GLUE)


def cut_formulas(text: str) -> str:
    """Replaces every LaTeX formula and code block of a text by a split point, in one linear pass.

    A `$` opens a formula before a character that is not white space, and closes it after one, on the same line and not
    before a digit: so "$5 for eggs and $6" holds no formula.
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
