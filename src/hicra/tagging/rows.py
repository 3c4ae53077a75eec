"""Tags rows of text or token ids with one lexicon; `hicra tag` and `hicra diagnose` share it.

A response is read as the tokens of `token_ids` or of the tokenizer where one is given, else as its words between white space
(each letter of a script without spaces is a word); shares and lengths are then counted in words. Character spans are the same
either way. The stretches of a conversation (`hicra.corpus.turns`) are encoded one by one, with a place between them that is no
token, so that nothing matches across.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from hicra.arrays import Bools, Ints
from hicra.corpus.turns import WALL
from hicra.drawing.readable import counted
from hicra.errors import ConfigError
from hicra.lexicon import Lexicon
from hicra.tagging.tagger import Span, Tagger
from hicra.text.byte_tables import encoder_of, table_of
from hicra.text.tokenizer import plain_encoder
from hicra.text.words import piece_ranges

Flat = tuple[Ints, Ints, Ints, list[str]]
CHUNK = 512
CELLS = 2**22  # rows times bytes of the longest one, which are more than its tokens
_BETWEEN = -1  # in the place of a token, between two stretches
SPANS = pl.List(pl.Struct({"start": pl.Int64, "end": pl.Int64, "gram": pl.String}))


@dataclass(frozen=True)
class TaggedRows:
    """Holds some tagged responses.

    Attributes:
        spans: for each row, character spans in its text.
        planning_chars: [B] number of characters that lie in a span.
        ids, live, planning: [B,T] token ids (or numbers of words), those that are tokens (no padding, no place between two
            stretches), the planning tokens.
        row, start, stop, gram: [H] every occurrence as a token range.
    """

    spans: list[list[Span]]
    planning_chars: Ints
    ids: Ints
    live: Bools
    planning: Bools
    row: Ints
    start: Ints
    stop: Ints
    gram: Ints

    @property
    def marked(self) -> tuple[int, int]:
        """The number of rows with a span in their text, and that of those among them without a planning token."""
        spanned = np.array([bool(found) for found in self.spans], np.bool_)
        return int(spanned.sum()), int((spanned & ~self.planning.any(axis=1)).sum())


class RowTagger:
    """Tags responses with a lexicon.

    Args:
        lexicon: what to look for.
        tokenizer: what `Tagger` takes, or None to count words; a bare table of bytes serves rows with `token_ids` only.
        unit: the span type, "gram" or "sentence"; None takes what the lexicon is made for.
        number_words: without a tokenizer, give every word a number as its id; else all ids are 0. All calls share one
            numbering, until `number_anew`, so it grows with the vocabulary.
    """

    def __init__(
        self, lexicon: Lexicon, tokenizer: Any = None, unit: str | None = None, *, number_words: bool = True
    ) -> None:
        self.tagger = Tagger(lexicon, tokenizer, unit)
        self._encode = None if tokenizer is None else _encoder(tokenizer)
        self._index = {gram: index for index, gram in enumerate(self.tagger.phrases)}
        self._number: dict[str, int] | None = {} if number_words else None

    @property
    def counts(self) -> str:
        """What the tokens of `TaggedRows` are: "tokens" or "words"."""
        return "words" if self._encode is None else "tokens"

    def number_anew(self) -> None:
        """Begins a new numbering of words, so that what follows does not depend on what was tagged before."""
        if self._number is not None:
            self._number = {}

    def tag(self, texts: Sequence[str], token_ids: Sequence[Sequence[int] | None] | None = None) -> TaggedRows:
        """Tags a batch of responses; `token_ids` are used where they are given and there is a tokenizer."""
        spans = self.tagger.spans_batch(texts)
        flat = _flat(spans)
        planning_chars = _covered(flat, len(texts))
        if self._encode is None:
            return self._by_words(texts, spans, flat, planning_chars)
        table, live = _padded(self._encoded(texts, token_ids))
        tagged = self.tagger.tag(table, live)
        return TaggedRows(spans, planning_chars, table, live, tagged.mask, tagged.row, *tagged.hits)

    def _encoded(self, texts: Sequence[str], token_ids: Sequence[Sequence[int] | None] | None) -> list[Sequence[int]]:
        ids: list[Any] = list(token_ids) if token_ids is not None else [None] * len(texts)
        absent = [index for index, own in enumerate(ids) if own is None]
        if absent and self._encode is not None:
            stretches = [texts[index].split(WALL) for index in absent]
            encoded = iter(self._encode(list(itertools.chain.from_iterable(stretches))))
            for index, own in zip(absent, stretches, strict=True):
                ids[index] = list(next(encoded))
                for _ in own[1:]:
                    ids[index] = [*ids[index], _BETWEEN, *next(encoded)]
        given = set(range(len(texts))).difference(absent)
        for index in given:
            if WALL in texts[index]:
                ids[index] = self._parted(ids[index], texts[index].split(WALL))
        return ids

    def _parted(self, ids: Sequence[int], stretches: Sequence[str]) -> list[int]:
        """Returns the ids of a conversation with `_BETWEEN` where its stretches begin; as they are where their text differs."""
        table = np.asarray(ids, np.int64).reshape(1, -1)
        [(text, ends)] = self.tagger.texts(table, np.ones(table.shape, np.bool_))
        out, done, at = list(ids), 0, 0
        for number, stretch in enumerate(stretches):
            at = text.find(stretch, at)
            if at < 0:
                return list(ids)
            if number:
                out.insert(int(np.searchsorted(ends, at, side="right")) + done, _BETWEEN)
                done += 1
            at += len(stretch)
        return out

    def _by_words(self, texts: Sequence[str], spans: list[list[Span]], flat: Flat, planning_chars: Ints) -> TaggedRows:
        row, low, high, gram = flat
        begin = np.cumsum([0, *(len(text) + 1 for text in texts)])
        joined = "\n".join(texts)
        starts, stops = piece_ranges(joined)
        ids = np.zeros(len(starts), np.int64)
        if (number := self._number) is not None:
            words = (joined[low:high] for low, high in zip(starts.tolist(), stops.tolist(), strict=True))
            ids[:] = [number.setdefault(word, len(number)) for word in words]
        first = np.searchsorted(stops, low + begin[row], "right")
        last = np.searchsorted(starts, high + begin[row], "left")
        edge = np.bincount(first, minlength=len(ids) + 1) - np.bincount(last, minlength=len(ids) + 1)
        before = np.searchsorted(starts, begin)  # number of words before each text
        live = _filled(np.diff(before))
        table, planning = np.zeros(live.shape, np.int64), np.zeros(live.shape, np.bool_)
        table[live], planning[live] = ids, np.cumsum(edge[:-1]) > 0
        index = np.array([self._index[name] for name in gram], np.int64)
        return TaggedRows(
            spans, planning_chars, table, live, planning, row, first - before[row], last - before[row], index
        )


def other_tokenizer(spanned: int, unmarked: int, tokenizer: str | None) -> str | None:
    """Returns what to say where most rows whose text holds a gram have no planning token, else None.

    Their mask would be empty without a word, as with the token ids of another model.

    Args:
        spanned, unmarked: as `TaggedRows.marked` counts them.
        tokenizer: what the user calls it; None for one that is not known by name.
    """
    if 2 * unmarked <= spanned:
        return None
    return (
        f"in {unmarked} of {counted(spanned, 'row')} whose text holds a gram no token is planning: the tokens are not those of "
        f"that text (token_ids of another tokenizer than {tokenizer}, or words that it does not know)"
    )


def _flat(spans: list[list[Span]]) -> Flat:
    """Returns row, start, end and gram of every span."""
    row = np.repeat(np.arange(len(spans)), [len(found) for found in spans])
    columns = list(zip(*itertools.chain.from_iterable(spans), strict=True)) or [(), (), ()]
    return row, np.array(columns[0], np.int64), np.array(columns[1], np.int64), list(columns[2])


def _covered(flat: Flat, rows: int) -> Ints:
    """Returns `covered` of each row, [rows] int64."""
    row, low, high, _ = flat
    base = row * (int(high.max(initial=0)) + 1)  # the rows are laid one after another
    reach = np.maximum.accumulate(np.append(0, high + base))[:-1]
    gain = np.maximum(0, high + base - np.maximum(low + base, reach))
    return np.bincount(row, gain, minlength=rows).astype(np.int64)


def _encoder(source: Any) -> Callable[[Sequence[str]], list[list[int]]]:
    """Returns the function from texts to token ids; it neither truncates nor pads, whatever the tokenizer's owner has set."""
    if table_of(source) is not None:
        return encoder_of(source) or _cannot_encode
    own = plain_encoder(source)
    return lambda texts: [encoding.ids for encoding in own.encode_batch_fast(list(texts), add_special_tokens=False)]


def _cannot_encode(texts: Sequence[str]) -> list[list[int]]:
    raise ConfigError(
        f"{counted(len(texts), 'row')} without token_ids: a table of token bytes says what ids spell, not how text is cut",
        "give rows with token_ids, or a tokenizer that encodes (a folder with tokenizer.json, a tiktoken encoding)",
    )


def covered(spans: Sequence[Span]) -> int:
    """Returns the number of characters that lie in at least one span (spans sorted by start)."""
    total = reach = 0
    for start, end, _ in spans:
        total += max(0, end - max(start, reach))
        reach = max(reach, end)
    return total


def span_series(spans: list[list[Span]]) -> pl.Series:
    """Returns the `spans` column: a list of {start, end, gram} for each row."""
    row, low, high, gram = _flat(spans)
    table = pl.DataFrame({"start": low, "end": high, "gram": pl.Series(gram, dtype=pl.String)})
    return _lists(table.to_struct(), row, len(spans)).alias("spans")


def mask_series(planning: Bools, live: Bools) -> pl.Series:
    """Returns the `planning_mask` column: a list of 0 and 1 for each row, one a token."""
    row = np.repeat(np.arange(len(live)), live.sum(axis=1))
    return _lists(pl.Series(planning[live].astype(np.int64)), row, len(live)).alias("planning_mask")


def _lists(values: pl.Series, row: Ints, rows: int) -> pl.Series:
    """Groups values into one list a row; `row` is ascending, rows without a value get an empty list."""
    made = pl.DataFrame({"row": row, "value": values}).group_by("row", maintain_order=True).agg("value")
    lists = pl.DataFrame({"row": np.arange(rows)}).join(made, on="row", how="left", maintain_order="left")["value"]
    empty = pl.Series([[]], dtype=pl.List(values.dtype))
    return lists.fill_null(empty.first()) if lists.null_count() else lists


def chunks(rows: pl.DataFrame, size: int = CHUNK) -> Iterator[pl.DataFrame]:
    """Yields slices of at most `size` rows, and of fewer where one is long, so that a table [B,T] of a slice stays small."""
    length = rows.select(
        pl.max_horizontal(pl.col("response").str.len_bytes(), pl.col("token_ids").list.len()).fill_null(0)
    ).to_series()
    begin = longest = 0
    for at, one in enumerate(length.to_list()):
        longest = max(longest, one)
        if at > begin and (at - begin == size or (at - begin + 1) * longest > CELLS):
            yield rows.slice(begin, at - begin)
            begin, longest = at, one
    if begin < rows.height:
        yield rows.slice(begin)


def _padded(rows: Sequence[Sequence[int]]) -> tuple[Ints, Bools]:
    live = _filled(np.array([len(row) for row in rows], np.int64))
    table = np.zeros(live.shape, np.int64)
    if live.any():
        table[live] = np.concatenate([np.asarray(row, np.int64) for row in rows])
    between = table == _BETWEEN
    table[between], live[between] = 0, False
    return table, live


def _filled(length: Ints) -> Bools:
    """Marks the first length[b] places of each row, [B,T] bool."""
    live: Bools = np.arange(int(length.max()) if len(length) else 0) < length[:, None]
    return live
