"""Finds strategic grams in text and in token ids, exactly (section 2 of the paper; the rule is docs/tagging.md).

One overlapping Aho-Corasick pass over the folded bytes of a whole batch; word boundaries are checked after matching, so
that a long hit that fails never hides a short one that holds. No row or token is looked at one by one in Python.

Deviations (the paper gives no matching procedure):
D1. Overlapping occurrences all count; the mask is their union. A token is planning when any of its bytes lies in a span.
D2. What the policy did not produce is a wall, and so is a special token: nothing matches across it.
D3. With weights, `unit="gram"` marks the grams of positive weight; `unit="sentence"` sums the weights of the distinct grams
    that lie inside a sentence.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
from ahocorasick_rs import BytesAhoCorasick
from numpy.typing import NDArray

from hicra.errors import ConfigError, DataError
from hicra.lexicon import Lexicon
from hicra.text import CodePoints, Folded, code_points, fold_points, to_text
from hicra.token_bytes import TokenBytes, token_bytes

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Span = tuple[int, int, str]
SENTENCE_STOPS = np.array([ord(char) for char in ".?!:"], np.uint32)
LINE_ENDS = np.array([0x0A, 0x0D], np.uint32)


class Hits(NamedTuple):
    """Occurrences, as parallel arrays [H] sorted by start, stop, gram.

    Attributes:
        start, stop: half-open range, in the unit of what was searched.
        gram: index into the lexicon's phrases.
    """

    start: Ints
    stop: Ints
    gram: Ints


class Tagged(NamedTuple):
    """What `Tagger.tag` finds in a batch.

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
    """Tags planning spans of a lexicon.

    Args:
        lexicon: what to look for.
        tokenizer: needed for `mask`: a folder with tokenizer.json, a fast transformers tokenizer, or a tokenizers.Tokenizer.
        unit: "gram" marks the grams, "sentence" marks whole sentences (B6 of the contract, docs/tagging.md).

    Raises:
        ConfigError: unknown unit, or a tokenizer that does not load or is of no known family.
    """

    def __init__(self, lexicon: Lexicon, tokenizer: Any = None, unit: str = "gram") -> None:
        if unit not in ("gram", "sentence"):
            raise ConfigError(f"unit {unit!r} is unknown", "use 'gram' or 'sentence'")
        self.lexicon, self.unit = lexicon, unit
        self.phrases = lexicon.phrases
        weights = lexicon.table["weight"].to_numpy().astype(np.float64)
        self._weighted = lexicon.threshold is not None
        self._weight = np.where(np.isnan(weights), 1.0, weights)
        if any("\0" in phrase for phrase in self.phrases):
            raise DataError(f"lexicon {lexicon.name!r} has a gram with a NUL character", "remove it")
        used = range(len(self.phrases)) if unit == "sentence" else np.flatnonzero(self._weight > 0)
        self._index = np.array(used, np.int64)
        self._automaton = BytesAhoCorasick([self.phrases[i].encode("utf-8", "surrogatepass") for i in self._index])
        self._bytes: TokenBytes | None = None if tokenizer is None else token_bytes(tokenizer)

    # ---- text
    def spans(self, text: str) -> list[Span]:
        """Every span as (start, end, gram): character offsets, end exclusive, sorted.

        >>> Tagger(Lexicon.from_phrases(["let me check"])).spans("Wait, let  me check.")
        [(6, 19, 'let me check')]
        """
        points = code_points(text)
        hits = self._find(points, np.zeros(len(points), np.bool_))
        return [(int(a), int(b), self.phrases[g]) for a, b, g in zip(*hits, strict=True)]

    # ---- token ids
    def mask(self, ids: Any, response_mask: Any) -> Any:
        """The planning mask.

        Args:
            ids: [B,T] integers, numpy or torch.
            response_mask: [B,T], nonzero where the policy produced the token.

        Returns:
            [B,T] bool of the same kind (and device) as `ids`; always False outside `response_mask`.
        """
        mask = self.tag(ids, response_mask).mask
        if type(ids).__module__.partition(".")[0] == "torch":
            import torch

            return torch.from_numpy(mask).to(ids.device)
        return mask

    def tag(self, ids: Any, response_mask: Any) -> Tagged:
        """The mask and every hit of a batch; arguments as for `mask`.

        Raises:
            ConfigError: the tagger has no tokenizer.
            DataError: shapes differ, or a policy token is no id.
        """
        ids, live = _numpy(ids), _numpy(response_mask).astype(bool)
        if ids.ndim != 2 or ids.shape != live.shape:
            raise DataError(
                f"ids {ids.shape} and response_mask {live.shape} must be one shape [B,T]", "pad the shorter one"
            )
        rows, width = ids.shape
        stream = self._stream(ids, live)
        points, offset = _decode(stream.data)
        walls = _wall_points(stream, offset, len(points))
        hits = self._find(points, walls)
        first = np.searchsorted(stream.stop, offset[hits.start], side="right")
        last = np.searchsorted(stream.start, offset[hits.stop], side="left")
        edge = np.zeros(len(stream.start) + 1, np.int64)
        np.add.at(edge, first, 1)
        np.add.at(edge, last, -1)
        inside = (np.cumsum(edge[:-1]) > 0) & ~stream.wall & (stream.stop > stream.start)
        mask = np.zeros(rows * (width + 1), np.bool_)
        mask[stream.place[inside]] = True
        row, column = np.divmod(stream.place[first], width + 1)
        stop = stream.place[last - 1] % (width + 1) + 1
        before = np.concatenate([[0], np.cumsum(~walls)])  # characters of text before each point
        base = before[_row_starts(stream, offset, rows, width)][row]
        return Tagged(
            mask.reshape(rows, width + 1)[:, :width], row, Hits(column, stop, hits.gram),
            before[hits.start] - base, before[hits.stop] - base,
        )  # fmt: skip

    def texts(self, ids: Any, response_mask: Any) -> list[tuple[str, list[int]]]:
        """Row by row: the text of the policy's tokens, and for each of the T columns the character where it ends.

        The text is what `mask` matched on: special and foreign tokens are left out, undecodable bytes become U+FFFD.
        """
        ids, live = _numpy(ids), _numpy(response_mask).astype(bool)
        rows, width = ids.shape
        stream = self._stream(ids, live)
        points, offset = _decode(stream.data)
        walls = _wall_points(stream, offset, len(points))
        before = np.concatenate([[0], np.cumsum(~walls)])
        text = points[~walls].copy()
        text[(text >= 0xD800) & (text < 0xE000)] = 0xFFFD
        starts = np.append(before[_row_starts(stream, offset, rows, width)], len(text))
        ends = np.zeros(rows * (width + 1), np.int64)
        ends[stream.place] = before[np.searchsorted(offset, stream.stop)]
        ends = np.maximum.accumulate(ends).reshape(rows, width + 1)[:, :width]
        return [
            (to_text(text[a:b]), np.maximum(ends[row] - a, 0).tolist())
            for row, (a, b) in enumerate(itertools.pairwise(starts))
        ]

    # ---- the passes
    def _stream(self, ids: NDArray[Any], live: Bools) -> _Stream:
        if self._bytes is None:
            raise ConfigError("this tagger has no tokenizer, so it cannot read token ids", "Tagger(lexicon, tokenizer)")
        table = self._bytes
        rows = len(ids)
        known = live & (ids < table.vocabulary)  # ids past the tokenizer's own (padded embeddings) are walls
        if (ids[live] < 0).any():
            raise DataError(f"token id {int(ids[live].min())} at a policy token", "mask padding out with response_mask")
        tokens = np.full((rows, ids.shape[1] + 1), table.vocabulary, np.int64)  # each row ends with a wall
        tokens[:, :-1] = np.where(known, ids, table.vocabulary)
        flat = tokens.ravel()
        wall = table.wall[flat]
        after_wall = np.ones(len(flat), np.bool_)
        after_wall[1:] = wall[:-1]
        place = np.flatnonzero(~wall | ~after_wall)  # of a run of walls the first will do
        flat, wall = flat[place], wall[place]
        begin, length = table.start[flat], table.length[flat]
        drop = table.opens[flat] & after_wall[place]
        begin, length = begin + drop, length - drop
        stop = np.cumsum(length)
        start = stop - length
        total = int(stop[-1]) if len(stop) else 0
        data = table.blob[np.repeat(begin - start, length) + np.arange(total)]
        return _Stream(data, start, stop, wall, place)

    def _find(self, points: CodePoints, walls: Bools) -> Hits:
        """Spans over code points, in the tagger's unit; `walls` marks points that nothing may match across."""
        folded = fold_points(points)
        hits = self._grams(folded)
        return hits if self.unit == "gram" else self._sentences(points, folded, walls, hits)

    def _grams(self, folded: Folded) -> Hits:
        data, offset = _encode(folded.points)
        found = np.array(self._automaton.find_matches_as_indexes(data, overlapping=True), np.int64).reshape(-1, 3)
        gram, start, stop = self._index[found[:, 0]], found[:, 1], found[:, 2]
        if offset is not None:
            start, stop = np.searchsorted(offset, start), np.searchsorted(offset, stop)
        word = np.concatenate([[False], folded.word, [False]])  # shifted by one: word[i] is the point before i
        bounded = ~(word[start] & word[start + 1]) & ~(word[stop] & word[stop + 1])
        start, stop, gram = start[bounded], stop[bounded], gram[bounded]
        order = np.lexsort((gram, stop, start))
        start, stop = folded.start[start[order]], folded.stop[stop[order] - 1]
        return Hits(start, stop, gram[order])

    def _sentences(self, points: CodePoints, folded: Folded, walls: Bools, hits: Hits) -> Hits:
        blank = np.repeat(folded.points == 32, folded.stop - folded.start) | walls
        ends = np.isin(points, LINE_ENDS) | walls
        ends[:-1] |= np.isin(points[:-1], SENTENCE_STOPS) & blank[1:]
        sentence: Ints = np.cumsum(ends) - ends  # index of the sentence that each point belongs to, its stop included
        inside: Bools = sentence[hits.start] == sentence[hits.stop - 1]
        pairs = np.unique(np.stack([sentence[hits.start[inside]], hits.gram[inside]], axis=1), axis=0)
        where, gram = pairs[:, 0], pairs[:, 1]
        weight = self._weight[gram]
        total = np.bincount(where, weight, minlength=int(sentence[-1]) + 1 if len(points) else 0)
        least = self.lexicon.threshold if self.lexicon.threshold is not None else 0.0
        heaviest = np.lexsort((gram, -weight, where))
        where, gram = where[heaviest], gram[heaviest]
        first = np.ones(len(where), np.bool_)
        first[1:] = where[1:] != where[:-1]
        chosen = first & (total[where] > least)
        where, gram = where[chosen], gram[chosen]
        solid = np.flatnonzero(~blank)  # spans carry no white space at their ends
        low = solid[np.searchsorted(sentence[solid], where, side="left")]
        high = solid[np.searchsorted(sentence[solid], where, side="right") - 1] + 1
        return Hits(low, high, gram)


class _Stream(NamedTuple):
    """The bytes of a batch, one after another; `place` is each token's index in the flattened [B,T+1]."""

    data: NDArray[np.uint8]
    start: Ints
    stop: Ints
    wall: Bools
    place: Ints


def _wall_points(stream: _Stream, offset: Ints, n: int) -> Bools:
    """[n] bool: the code points that are walls."""
    walls = np.zeros(n, np.bool_)
    walls[np.searchsorted(offset, stream.start[stream.wall])] = True
    return walls


def _row_starts(stream: _Stream, offset: Ints, rows: int, width: int) -> Ints:
    """[rows] index of the code point where each row begins."""
    token = np.searchsorted(stream.place, np.arange(rows) * (width + 1))
    return np.searchsorted(offset, np.append(stream.start, len(stream.data))[token])


def _numpy(array: Any) -> NDArray[Any]:
    return np.asarray(array.detach().cpu() if hasattr(array, "detach") else array)


def _decode(data: NDArray[np.uint8]) -> tuple[CodePoints, Ints]:
    """UTF-8 bytes -> (code points [N], byte offset of each and of the end [N+1]); a bad byte is one lone surrogate."""
    raw = data.tobytes()
    if raw.isascii():
        return data.astype(np.uint32), np.arange(len(data) + 1)
    points = code_points(raw.decode("utf-8", "surrogateescape"))
    escaped = (points >= 0xDC80) & (points <= 0xDCFF)
    size = np.where(escaped, 1, _utf8_size(points))
    return points, np.concatenate([[0], np.cumsum(size)])


def _encode(points: CodePoints) -> tuple[bytes, Ints | None]:
    """Code points -> (UTF-8 bytes, byte offset of each and of the end; None where they are the same)."""
    if not len(points) or points.max() < 128:
        return points.astype(np.uint8).tobytes(), None
    data = points.tobytes().decode("utf-32-le", "surrogatepass").encode("utf-8", "surrogatepass")
    return data, np.concatenate([[0], np.cumsum(_utf8_size(points))])


def _utf8_size(points: CodePoints) -> Ints:
    return 1 + (points > 0x7F).astype(np.int64) + (points > 0x7FF) + (points > 0xFFFF)
