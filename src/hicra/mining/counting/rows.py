"""Chooses which rows of a corpus are mined, and cuts them into chunks of bounded size for a backend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from hicra.corpus.formats.interface import Decode
from hicra.corpus.need_text import with_text
from hicra.errors import DataError
from hicra.mining.counting.words import Chunk
from hicra.text.decode import decoder

CHUNK_CHARS = 2**22
CHUNK_TEXTS = 4096


@dataclass(frozen=True)
class Reading:
    """Says how files are read.

    Attributes:
        on_bad, max_bad, mapping, quarantine: as for `corpus.read`.
        include_incorrect: mine all rows, not only the correct ones.
        contrast: also take in the incorrect rows, to compare with.
        tokenizer: folder with tokenizer.json, for dumps that hold token ids and no text.
    """

    on_bad: Literal["stop", "skip"] = "stop"
    max_bad: float = 0.01
    include_incorrect: bool = False
    contrast: bool = False
    mapping: Mapping[str, str] = field(default_factory=dict)
    quarantine: Path | None = None
    tokenizer: str | None = None

    @property
    def decode(self) -> Decode | None:
        """What turns token ids into text."""
        return None if self.tokenizer is None else decoder(self.tokenizer)


@dataclass(frozen=True)
class Read:
    """Says what was read.

    Attributes:
        lines, skipped, duplicates: as in `corpus.Corpus`.
        sources: the distinct values of `source` over the mined rows, sorted.
        warnings: as in `corpus.Batches`.
    """

    lines: int
    skipped: int
    duplicates: int
    sources: list[str]
    warnings: list[str] = field(default_factory=list)


def chunks_of(texts: Sequence[str], questions: Sequence[str | None], against: bool = False) -> Iterator[Chunk]:
    """Cuts solutions into chunks of bounded size (a longer solution is a chunk of its own)."""
    low = size = 0
    for row, text in enumerate(texts):
        if row > low and (size + len(text) > CHUNK_CHARS or row - low == CHUNK_TEXTS):
            yield Chunk(list(texts[low:row]), list(questions[low:row]), against)
            low, size = row, 0
        size += len(text)
    if low < len(texts):
        yield Chunk(list(texts[low:]), list(questions[low:]), against)


def pairs_of(chunks: Iterable[Chunk]) -> Iterator[tuple[str, str | None]]:
    """Yields the mined solutions of chunks, one by one, with their questions."""
    for chunk in chunks:
        if not chunk.against:
            yield from zip(chunk.texts, chunk.questions, strict=True)


class Rows:
    """Turns frames into chunks and counts the rows.

    Attributes:
        sources: distinct values of `source` over the mined rows.
        mined, wrong, unknown: numbers of rows that are mined, that are incorrect, of which `correct` is not known.
    """

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.sources: set[str] = set()
        self.mined = self.wrong = self.unknown = 0

    def chunks(self, frames: Iterable[pl.DataFrame]) -> Iterator[Chunk]:
        """Yields the solutions of each frame; incorrect ones, marked as `against`, only where they are asked for.

        Raises:
            DataError: a row has no text.
        """
        before = 0
        for frame in frames:
            with_text(frame, before)
            before += frame.height
            correct = frame["correct"]
            self.wrong += int((~correct).sum())
            self.unknown += correct.null_count()
            rows = frame if self.reading.include_incorrect else frame.filter(pl.col("correct"))
            self.mined += rows.height
            self.sources.update(rows["source"].drop_nulls().unique().to_list())
            yield from chunks_of(rows["response"].to_list(), rows["question"].to_list())
            if self.reading.contrast:
                rows = frame.filter(~pl.col("correct"))
                yield from chunks_of(rows["response"].to_list(), rows["question"].to_list(), against=True)

    def check(self) -> None:
        """Raises DataError where no row is mined."""
        if not self.mined:
            raise DataError(
                f"none of {self.wrong + self.unknown} rows is correct ({self.wrong} wrong, {self.unknown} not known)",
                "add `correct` or `reward` to the rows, or mine all of them with --include-incorrect",
            )

    def read(self, lines: int, skipped: int, duplicates: int, warnings: Sequence[str] = ()) -> Read:
        """Returns what was read, with these counts and sentences added."""
        return Read(lines, skipped, duplicates, sorted(self.sources), list(warnings))
