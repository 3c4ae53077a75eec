"""Finds strategic grams in text and in token ids, exactly (section 2 of the paper; docs/concepts/tagging.md has the rule).

One overlapping Aho-Corasick pass goes over the folded bytes of a whole batch. Word borders are checked after matching, so
that a long hit that fails never hides a short one that holds. No row or token is looked at one by one in Python.

A batch of token ids is tagged in blocks of whole rows, in several threads. Beside the ids and masks that come in and go out, the
memory is that of one block a thread: about 40 bytes for each byte of its text (some 20 MB), whatever the number of rows. A block
has at least one row, so a row of more tokens than `BLOCK` needs more. A response mask of numbers costs two bytes a token more.

Deviations (the paper gives no matching procedure):
TAG-1. Overlapping occurrences all count; the mask is their union. A token is a planning token when any of its bytes lies in a
    span.
TAG-2. A token that the policy did not produce is a boundary, and so is a special token: no match crosses it.
TAG-3. With weights, `unit="gram"` marks the grams of positive weight; `unit="sentence"` sums the weights of the distinct grams
    that lie inside a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from hicra.arrays import Array, Bools, Bytes, Floats, Int32s, Ints, as_flags, as_numpy, as_token_ids
from hicra.errors import ConfigError, DataError
from hicra.lexicon import Lexicon
from hicra.text.automaton import Automaton
from hicra.text.fold import SPACE, WORD, inside_words
from hicra.text.pieces import LINE_END, WALL_KIND, fold_texts
from hicra.text.sentences import sentence_of_bytes
from hicra.text.stream import Stream, Vocabulary
from hicra.text.tokenizer import token_bytes
from hicra.workers.threads import in_threads, thread_count

Span = tuple[int, int, str]
# policy tokens that are tagged together, so that their arrays stay in the cache; other places count an eighth
BLOCK = 2**17
CHARS = 2**21  # characters of texts that are tagged together


class Hits(NamedTuple):
    """Holds occurrences of grams, as parallel arrays [H] sorted by start, stop and gram.

    Attributes:
        start, stop: half-open range of bytes, in `Tagged` of tokens.
        gram: index into the lexicon's phrases.
    """

    start: Ints
    stop: Ints
    gram: Ints


class Tagged(NamedTuple):
    """Holds what `Tagger.tag` finds in a batch.

    Attributes:
        mask: [B,T] bool, the planning tokens.
        row: [H] int64, the row of each hit.
        hits: token ranges within the row.
        char_start, char_stop: [H] int64, character ranges in the row's text (`Tagger.texts`).
    """

    mask: Bools
    row: Ints
    hits: Hits
    char_start: Ints
    char_stop: Ints


class Tagger:
    """Finds the spans of a lexicon in texts and in token ids.

    Args:
        lexicon: what to look for.
        tokenizer: needed for `mask`: a folder with tokenizer.json, a transformers tokenizer with such a backend, a
            tokenizers.Tokenizer, a table `{id: bytes}` or a tiktoken encoding.
        unit: the span type: "gram" marks the grams, "sentence" whole sentences; None takes what the lexicon is made for.

    Attributes:
        threads: number of threads that tag the blocks of a batch of token ids side by side; the result does not depend on it.
            Set it as you like; None, the default, takes the environment variable OMP_NUM_THREADS, else the cores of this
            process, at most 8.

    Raises:
        ConfigError: the lexicon is no `Lexicon`, the span type is unknown, or the tokenizer does not load or is of no known
            family.
        DataError: a gram holds a NUL character.
    """

    def __init__(self, lexicon: Lexicon, tokenizer: Any = None, unit: str | None = "gram") -> None:
        if not isinstance(lexicon, Lexicon):
            raise ConfigError(f"a lexicon of type {type(lexicon).__name__}", "load it with Lexicon.load(NAME_OR_PATH)")
        unit = lexicon.default_unit if unit is None else unit
        if unit not in ("gram", "sentence"):
            raise ConfigError(f"unit {unit!r} is no span type", "use 'gram' or 'sentence'")
        self.lexicon, self.unit = lexicon, unit
        self.threads: int | None = None
        self.phrases = lexicon.phrases
        weights = lexicon.table["weight"].to_numpy().astype(np.float64)
        self.weights: Floats = np.where(np.isnan(weights), 1.0, weights)
        self.threshold = 0.0 if lexicon.threshold is None else lexicon.threshold
        if any("\0" in phrase for phrase in self.phrases):
            raise DataError(f"lexicon {lexicon.name!r} has a gram with a NUL character", "remove the gram")
        used = range(len(self.phrases)) if unit == "sentence" else np.flatnonzero(self.weights > 0)
        self.used: Ints = np.array(used, np.int64)  # the phrases that are looked for
        self._automaton = Automaton([self.phrases[i].encode("utf-8", "surrogatepass") for i in self.used])
        self._vocabulary = None if tokenizer is None else Vocabulary(token_bytes(tokenizer))
        self._classes = self._automaton.classes(self._vocabulary.data if self._vocabulary else np.zeros(0, np.uint8))

    # ---- text
    def spans(self, text: str) -> list[Span]:
        """Returns every span as (start, end, gram): character offsets, end exclusive, sorted.

        Raises:
            DataError: the text is no string.

        >>> Tagger(Lexicon.from_phrases(["let me check"])).spans("Wait, let  me check.")
        [(6, 19, 'let me check')]
        """
        return self.spans_batch([text])[0]

    def spans_batch(self, texts: Sequence[str]) -> list[list[Span]]:
        """Returns `spans` of each text.

        Raises:
            DataError: `texts` is one string or no list, or one of them is no string.
        """
        if isinstance(texts, str | bytes) or not hasattr(texts, "__getitem__"):
            raise DataError(
                f"texts of type {type(texts).__name__}", "give a list of strings; for one text, call spans(text)"
            )
        if (odd := next((at for at, text in enumerate(texts) if not isinstance(text, str)), None)) is not None:
            raise DataError(f"text {odd} is of type {type(texts[odd]).__name__}", "give a string")
        found: list[list[Span]] = [[] for _ in texts]
        reach = np.cumsum([0, *map(len, texts)])
        low = 0
        while low < len(texts):  # some megabytes of text at a time, so that memory does not grow with their number
            high = max(low + 1, int(np.searchsorted(reach, reach[low] + CHARS, side="right")) - 1)
            pieces = fold_texts(texts[low:high])
            start, stop, gram = self._find(pieces.data, pieces.kind)
            text = np.searchsorted(pieces.start, start, side="right") - 1 + low
            columns = (text, pieces.char[start], pieces.char[stop - 1] + 1, gram)
            for row, begin, end, index in zip(*(column.tolist() for column in columns), strict=True):
                found[row].append((begin, end, self.phrases[index]))
            low = high
        return found

    # ---- token ids
    def mask(self, ids: Any, response_mask: Any) -> Any:
        """Returns the planning mask.

        Args:
            ids: [B,T] integers, numpy or torch. An id past the tokenizer's own is a boundary and never a planning token, since
                models pad their vocabulary.
            response_mask: [B,T] bool, or numbers that are exactly 0 or 1; true where the policy produced the token.

        Returns:
            [B,T] bool, numpy or torch as `ids` (and on its device); always False outside `response_mask`.

        Raises:
            ConfigError, DataError: as for `tag`.
        """
        array, live = self._checked(ids, response_mask)
        mask = np.zeros(array.shape, np.bool_)

        def fill(rows: slice, stream: Stream, hits: Hits) -> None:
            mask[rows] = _covered(stream, *stream.token_ranges(hits.start, hits.stop), mask[rows].shape)

        for _ in self._blocks(array, live, fill, ordered=False):
            pass
        if type(ids).__module__.partition(".")[0] == "torch":
            import torch

            return torch.from_numpy(mask).to(ids.device)
        return mask

    def tag(self, ids: Any, response_mask: Any) -> Tagged:
        """Returns the mask and every hit of a batch; arguments are as for `mask`.

        Raises:
            ConfigError: the tagger has no tokenizer, or `threads` or OMP_NUM_THREADS is no number of threads.
            DataError: shapes differ, the mask holds what is neither 0 nor 1, or a policy token has an id that is negative or
                no whole number.
        """
        array, live = self._checked(ids, response_mask)
        mask, width = np.zeros(array.shape, np.bool_), array.shape[1] + 1

        def fill(rows: slice, stream: Stream, hits: Hits) -> Ints:
            first, last = stream.token_ranges(hits.start, hits.stop)
            mask[rows] = _covered(stream, first, last, mask[rows].shape)
            row, low, high = self.vocabulary.char_ranges(stream, hits.start, hits.stop, width)
            column, stop = (stream.place[token] - row * width for token in (first, last - 1))
            return np.stack([row + rows.start, column, stop + 1, hits.gram, low, high])

        found = [np.empty((6, 0), np.int64), *self._blocks(array, live, fill, ordered=True)]
        row, column, stop, gram, low, high = np.concatenate(found, axis=1)
        return Tagged(mask, row, Hits(column, stop, gram), low, high)

    def texts(self, ids: Any, response_mask: Any) -> list[tuple[str, list[int]]]:
        """Returns for each row the text of the policy tokens, and for each of the T columns the character where it ends.

        The text is the one in which `mask` finds grams: special and unknown tokens are left out, undecodable bytes become
        U+FFFD.
        """
        array, live = self._checked(ids, response_mask)
        return self.vocabulary.texts(array, live)

    @property
    def vocabulary(self) -> Vocabulary:
        """The folded bytes of the tokenizer's tokens.

        Raises:
            ConfigError: the tagger has no tokenizer.
        """
        if self._vocabulary is None:
            raise ConfigError(
                "this tagger has no tokenizer, so it cannot read token ids", "make it with Tagger(lexicon, tokenizer)"
            )
        return self._vocabulary

    # ---- the passes
    def _checked(self, ids: Any, response_mask: Any) -> tuple[Array, Bools]:
        array, live = as_numpy(ids), as_flags(as_numpy(response_mask), "response_mask")
        if array.ndim != 2 or array.shape != live.shape:
            raise DataError(
                f"ids {array.shape} and response_mask {live.shape} must be one shape [B,T]", "pad the shorter one"
            )
        return as_token_ids(array, live), live

    def _blocks(
        self, ids: Array, live: Bools, work: Callable[[slice, Stream, Hits], Any], ordered: bool
    ) -> Iterator[Any]:
        """Yields what `work` makes of each block of rows, of its bytes, and of the spans in them as byte ranges."""

        def tagged(rows: slice) -> Any:
            stream = self.vocabulary.stream(ids[rows], live[rows], rows.start)
            return work(rows, stream, self._find_in(stream, ordered))

        return in_threads(tagged, _cut(live), thread_count(self.threads))

    def _find(self, data: Bytes, kind: Bytes) -> Hits:
        """Returns the spans of the tagger's span type, as byte ranges."""
        gram, start, stop = self._automaton.find(data)
        inside = inside_words(kind)
        whole = np.flatnonzero(~(inside[start] | inside[stop]))
        hits = Hits(start[whole], stop[whole], self.used[gram[whole]])
        return self._sentences(data, kind, hits) if self.unit == "sentence" else _sorted(hits)

    def _find_in(self, stream: Stream, ordered: bool) -> Hits:
        """Returns the same for a stream of tokens. Without combining marks only the bytes at the borders of grams matter."""
        if self.unit == "sentence" or stream.marked:
            return self._find(stream.data, stream.kind)
        classes = stream.read(self._classes, lambda run: self._automaton.classes(run.data))
        gram, start, stop = self._automaton.find_classes(classes)
        whole = np.flatnonzero(~(_inside_word(stream, start) | _inside_word(stream, stop)))
        hits = Hits(start[whole], stop[whole], self.used[gram[whole]])
        return _sorted(hits) if ordered else hits

    def _sentences(self, data: Bytes, kind: Bytes, hits: Hits) -> Hits:
        blank = (kind == SPACE) | (kind == LINE_END) | (kind == WALL_KIND)
        sentence = sentence_of_bytes(data, kind, blank)
        inside = sentence[hits.start] == sentence[hits.stop - 1]
        pairs = np.unique(np.stack([sentence[hits.start[inside]], hits.gram[inside]], axis=1), axis=0)
        where, gram = pairs[:, 0], pairs[:, 1]
        weight = self.weights[gram]
        total = np.bincount(where, weight, minlength=int(sentence[-1]) + 1)
        heaviest = np.lexsort((gram, -weight, where))
        where, gram = where[heaviest], gram[heaviest]
        first = np.ones(len(where), np.bool_)
        first[1:] = where[1:] != where[:-1]
        chosen = first & (total[where] > self.threshold)
        where, gram = where[chosen], gram[chosen]
        solid = np.flatnonzero(~blank)  # spans have no white space at their ends
        low = solid[np.searchsorted(sentence[solid], where, side="left")]
        high = solid[np.searchsorted(sentence[solid], where, side="right") - 1] + 1
        return Hits(low, high, gram)


def _cut(live: Bools) -> list[slice]:
    """Cuts a batch into blocks of whole rows, each of about `BLOCK` policy tokens and at least one row."""
    reach = np.cumsum(np.count_nonzero(live, axis=1) + live.shape[1] // 8 + 1)
    blocks, low, before = [], 0, 0
    while low < len(live):
        blocks.append(slice(low, max(low + 1, int(np.searchsorted(reach, before + BLOCK, side="right")))))
        low = blocks[-1].stop
        before = int(reach[low - 1])
    return blocks


def _sorted(hits: Hits) -> Hits:
    """Sorts occurrences of grams; a range holds one gram, so its start and length together are all that is compared."""
    length = hits.stop - hits.start
    order = np.argsort(hits.start * (length.max(initial=0) + 1) + length)
    return Hits(*(column[order] for column in hits))


def _inside_word(stream: Stream, at: Ints) -> Bools:
    """Returns `inside_words` at some bytes of a stream without combining marks; byte -1, before the first, is a boundary."""
    inside: Bools = (stream.kinds_at(at) == WORD) & (stream.kinds_at(at - 1) == WORD)
    return inside


def _covered(stream: Stream, first: Int32s, last: Int32s, shape: tuple[int, int]) -> Bools:
    """Returns which tokens lie in half-open token ranges, [B,T] bool."""
    n = len(stream.place) + 1
    inside = np.cumsum(np.bincount(first, minlength=n) - np.bincount(last, minlength=n))[:-1] > 0
    mask = np.zeros(shape[0] * (shape[1] + 1), np.bool_)
    mask[stream.place[inside]] = True
    return mask.reshape(shape[0], -1)[:, :-1]
