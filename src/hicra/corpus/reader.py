"""Reads a whole corpus into one table in memory; `batches` does the same for a corpus of any size.

Deviations: the paper names no format; what the contract leaves open is in `fields.py`, `turns.py`, `formats/` and
docs/reference/files.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl

from hicra.corpus.batches import MAX_BAD, batches
from hicra.corpus.beside import left_out
from hicra.corpus.counts import Counts
from hicra.corpus.fields import CANONICAL
from hicra.corpus.files import Paths
from hicra.corpus.formats.interface import Decode
from hicra.corpus.lines import MAX_LINE, MAX_RATIO


@dataclass(frozen=True)
class Corpus:
    """Holds what was read.

    Attributes:
        rows: the kept rows, in order; the canonical columns (null where absent), then the extra ones.
        format: "jsonl", "json" or "parquet" for plain rows, else the name of the writer; several joined by "+".
        columns: canonical column -> the input column it came from (or the rule it was derived by).
        kept, skipped, duplicates: they add up to the number of rows read; a line with several responses is several rows.
        errors: one {file, line, offset, reason} for each skipped line.
        files: the files read, in order.
        json_columns: extra columns whose values had no common type and are JSON text now.
        input_names: input column -> column of `rows`, in the order of the input.
    """

    rows: pl.DataFrame
    format: str
    columns: dict[str, str]
    kept: int
    skipped: int
    duplicates: int
    errors: list[dict[str, Any]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    json_columns: list[str] = field(default_factory=list)
    input_names: dict[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        """The number of rows read, whatever became of them."""
        return self.kept + self.skipped + self.duplicates

    def as_input(self) -> pl.DataFrame:
        """Returns the rows under the input's own column names and order, without the derived columns."""
        return self.rows.select(pl.col(column).alias(name) for name, column in self.input_names.items())


def read(
    paths: Paths,
    on_bad: Literal["stop", "skip"] = "stop",
    max_bad: float = MAX_BAD,
    *,
    mapping: Mapping[str, str] | None = None,
    decode: Decode | None = None,
    quarantine: Path | None = None,
    keep_duplicates: bool = False,
    max_line: int = MAX_LINE,
    max_ratio: float = MAX_RATIO,
) -> Corpus:
    """Reads rollouts strictly.

    Args:
        paths: files or folders (all known files inside, in natural order); their order is the order of the rows.
        on_bad: "stop" raises at the first bad line; "skip" lists it in `errors` and goes on.
        max_bad: with "skip", the largest share of skipped lines.
        mapping: field of ours -> the column of the input that it is (or a path into objects: "doc.question").
        decode: turns token ids into text (`hicra.text.decode`), for dumps that hold no text; without it such rows have ids,
            and null in the place of their response.
        quarantine: a file to write, with each skipped line and why.
        keep_duplicates: leave duplicates in `rows` (they are counted all the same).
        max_line: longest line in bytes.
        max_ratio: largest number of decompressed bytes for a compressed one.

    Raises:
        BadLine: (a DataError) a line is bad and on_bad is "stop".
        DataError: a file is missing, unknown or damaged, there are no rows, or more than `max_bad` are skipped.
        ArtifactError: the quarantine file exists.
        ValueError: `on_bad` is unknown, `max_bad` is outside 0..1, or `mapping` names no field of ours.
    """
    source = batches(
        paths, on_bad, max_bad, mapping=mapping, decode=decode, quarantine=quarantine, keep_duplicates=keep_duplicates,
        max_line=max_line, max_ratio=max_ratio, keep_bytes=math.inf,
    )  # fmt: skip
    frames = list(source)
    return Corpus(
        rows=pl.concat(frames) if frames else source.empty(),
        format=source.format,
        columns=source.columns,
        kept=source.kept,
        skipped=source.skipped,
        duplicates=source.duplicates,
        errors=source.errors,
        files=source.files,
        json_columns=source.json_columns,
        input_names=source.input_names,
    )


def inspect(
    paths: Paths,
    on_bad: Literal["stop", "skip"] = "stop",
    max_bad: float = MAX_BAD,
    *,
    mapping: Mapping[str, str] | None = None,
    decode: Decode | None = None,
    quarantine: Path | None = None,
) -> dict[str, Any]:
    """Returns what `hicra corpus inspect` prints. Arguments and errors are as for `read`.

    `rows` is the number of rows read, whatever became of them; `correct`, `wrong`, `unknown`, `steps` and `questions` count the
    kept ones, `without_response` lines of a known dump that hold no row, and `without_text` rows of token ids.
    `warnings` are sentences, `in_two_files` has {files, rows} for each pair of files with equal rows, and
    `left_out` has {file, reason} for each file or inner folder that lies in a folder of `paths` and is not read. Memory does not
    grow with the number of rows, but for a digest of each question and of each row with an id.
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    counts = Counts()
    source = batches(
        paths, on_bad, max_bad, mapping=mapping, decode=decode, quarantine=quarantine, keep_bytes=0
    ).prepare(counts.add)  # fmt: skip
    return {
        "format": source.format,
        "columns": source.columns,
        "extra_columns": [name for name in source.empty().columns if name not in CANONICAL],
        "json_columns": source.json_columns,
        "rows": source.lines,
        "kept": source.kept,
        "skipped": source.skipped,
        "duplicates": source.duplicates,
        "correct": counts.correct,
        "wrong": counts.wrong,
        "unknown": counts.unknown,
        "steps": len(counts.steps),
        "questions": counts.questions,
        "without_response": source.without_response,
        "without_text": source.without_text,
        "errors": source.errors,
        "files": source.files,
        "left_out": left_out(paths),
        "in_two_files": source.in_two_files,
        "warnings": source.warnings,
    }
