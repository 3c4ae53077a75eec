"""Tags rows of text or token ids with one lexicon: what `hicra tag` and `hicra diagnose` share, and the verb `tag` itself.

A response is read as the tokens of `token_ids` or of the tokenizer where one is given, else as its white-space separated
words: shares and lengths are then of words. Character spans are the same either way.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hicra import corpus
from hicra.artifacts import atomic_file
from hicra.errors import ConfigError, DataError
from hicra.lexicon import Lexicon
from hicra.tagger import Ints, Span, Tagger
from hicra.token_bytes import load_tokenizer

CHUNK = 512
WORD = re.compile(r"\S+")
SPANS = pl.List(pl.Struct({"start": pl.Int64, "end": pl.Int64, "gram": pl.String}))


@dataclass(frozen=True)
class TaggedRows:
    """Some tagged responses.

    Attributes:
        spans: per row, character spans in its text.
        planning_chars: [B] characters that lie in a span.
        ids, live, planning: [B,T] tokens (or numbered words), padding marked by `live`.
        row, start, stop, gram: [H] every occurrence as a token range.
    """

    spans: list[list[Span]]
    planning_chars: Ints
    ids: Ints
    live: NDArray[np.bool_]
    planning: NDArray[np.bool_]
    row: Ints
    start: Ints
    stop: Ints
    gram: Ints


class RowTagger:
    """Tags responses with a lexicon.

    Args:
        lexicon: what to look for.
        tokenizer: folder with tokenizer.json, or None to count words.
        unit: "gram" or "sentence".
    """

    def __init__(self, lexicon: Lexicon, tokenizer: Any = None, unit: str = "gram") -> None:
        self.tagger = Tagger(lexicon, tokenizer, unit)
        self._encode = load_tokenizer(tokenizer)[0] if tokenizer is not None else None
        self._index = {gram: index for index, gram in enumerate(self.tagger.phrases)}
        self._words: dict[str, int] = {}

    @property
    def counts(self) -> str:
        """What a token is here: "tokens" or "words"."""
        return "words" if self._encode is None else "tokens"

    def tag(self, texts: Sequence[str], token_ids: Sequence[Sequence[int] | None] | None = None) -> TaggedRows:
        """Tags a batch of responses; `token_ids` are used where given and a tokenizer is there."""
        spans = [self.tagger.spans(text) for text in texts]
        planning_chars = np.array([covered(row) for row in spans], np.int64)
        if self._encode is None:
            return self._by_words(texts, spans, planning_chars)
        given = token_ids or [None] * len(texts)
        ids = [
            list(own) if own is not None else self._encode.encode(text, add_special_tokens=False).ids
            for text, own in zip(texts, given, strict=True)
        ]
        table, live = _padded(ids)
        tagged = self.tagger.tag(table, live)
        return TaggedRows(spans, planning_chars, table, live, tagged.mask, tagged.row, *tagged.hits)

    def _by_words(self, texts: Sequence[str], spans: list[list[Span]], planning_chars: Ints) -> TaggedRows:
        numbered, hits = [], []
        masks = []
        for index, text in enumerate(texts):
            words = [(m.start(), m.end(), self._words.setdefault(m[0], len(self._words))) for m in WORD.finditer(text)]
            starts, stops = np.array([w[0] for w in words], np.int64), np.array([w[1] for w in words], np.int64)
            mask = np.zeros(len(words), np.bool_)
            for start, end, gram in spans[index]:
                first, last = int(np.searchsorted(stops, start, "right")), int(np.searchsorted(starts, end, "left"))
                mask[first:last] = True
                hits.append((index, first, last, self._index[gram]))
            numbered.append([w[2] for w in words])
            masks.append(mask)
        table, live = _padded(numbered)
        planning = np.zeros(live.shape, np.bool_)
        for index, mask in enumerate(masks):
            planning[index, : len(mask)] = mask
        found = np.array(hits, np.int64).reshape(-1, 4)
        return TaggedRows(
            spans, planning_chars, table, live, planning, found[:, 0], found[:, 1], found[:, 2], found[:, 3]
        )


def covered(spans: Sequence[Span]) -> int:
    """Characters that lie in at least one span (spans sorted by start)."""
    total = reach = 0
    for start, end, _ in spans:
        total += max(0, end - max(start, reach))
        reach = max(reach, end)
    return total


def span_series(spans: list[list[Span]]) -> pl.Series:
    """The `spans` column: list of {start, end, gram}."""
    return pl.Series("spans", [[{"start": s, "end": e, "gram": g} for s, e, g in row] for row in spans], SPANS)


def chunks(rows: pl.DataFrame, size: int = CHUNK) -> Iterator[pl.DataFrame]:
    """The frame in slices of `size` rows."""
    for begin in range(0, rows.height, size):
        yield rows.slice(begin, size)


def tag_paths(
    paths: Sequence[Path], lexicon: Lexicon, *, tokenizer: str | None, unit: str, out: Path | None, on_bad: Any, max_bad: float,
) -> dict[str, Any]:  # fmt: skip
    """`hicra tag`: one output row an input row, same order, duplicates kept.

    Args:
        out: a .parquet or .jsonl file; None only counts.

    Raises:
        DataError, ConfigError: bad input, before anything is written.
    """
    if out is not None and out.suffix not in (".parquet", ".jsonl"):
        raise ConfigError(f"-o {out}: unknown ending {out.suffix!r}", "use .parquet or .jsonl")
    read = corpus.read(paths, on_bad, max_bad, keep_duplicates=True)
    rows = with_text(read.rows)
    tagger = RowTagger(lexicon, tokenizer, unit)
    begin = time.perf_counter()
    spans: list[list[Span]] = []
    masks: list[list[int]] = []
    planning_chars: list[int] = []
    tokens = planning = chars = 0
    for part in chunks(rows):
        texts = part["response"].to_list()
        ids = part["token_ids"].to_list() if "token_ids" in part.columns else None
        tagged = tagger.tag(texts, ids)
        spans += tagged.spans
        planning_chars += tagged.planning_chars.tolist()
        masks += [mask[alive].astype(int).tolist() for mask, alive in zip(tagged.planning, tagged.live, strict=True)]
        tokens += int(tagged.live.sum())
        planning += int((tagged.planning & tagged.live).sum())
        chars += sum(map(len, texts))
    seconds = time.perf_counter() - begin
    if out is not None:
        extra = [span_series(spans), pl.Series("planning_chars", planning_chars, pl.Int64)]
        if tokenizer is not None:
            extra.append(pl.Series("planning_mask", masks, pl.List(pl.Int64)))
        _write(read.as_input(), extra, out)
    return {
        "rows": rows.height, "tokens": tokens, "planning_tokens": planning, 
        "planning_share": planning / tokens if tokens else 0.0, "chars": chars, "planning_chars": sum(planning_chars),
        "tokens_per_second": tokens / seconds if seconds else 0.0, "token_kind": tagger.counts, "skipped": read.skipped,
        "output": str(out) if out else None,
    }  # fmt: skip


def with_text(rows: pl.DataFrame) -> pl.DataFrame:
    missing = rows["response"].null_count()
    if missing:
        first = int(rows["response"].is_null().arg_max() or 0) + 1
        raise DataError(
            f"{missing} of {rows.height} rows have no response, the first is row {first}", "drop them first"
        )
    return rows


def _write(rows: pl.DataFrame, extra: list[pl.Series], out: Path) -> None:
    for column in extra:
        if column.name in rows.columns:
            raise DataError(f"the input already has a column {column.name!r}", "drop it, or tag the untagged file")
    table = rows.with_columns(extra)
    with atomic_file(out) as temporary:
        if out.suffix == ".parquet":
            table.write_parquet(temporary)
        else:
            table.write_ndjson(temporary)


def _padded(rows: Sequence[Sequence[int]]) -> tuple[Ints, NDArray[np.bool_]]:
    length = np.array([len(row) for row in rows], np.int64)
    live = np.arange(int(length.max()) if len(length) else 0) < length[:, None]
    table = np.zeros(live.shape, np.int64)
    if length.sum():
        table[live] = np.concatenate([np.asarray(row, np.int64) for row in rows])
    return table, live
