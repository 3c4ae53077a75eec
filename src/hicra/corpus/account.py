"""The account of a read: kept + skipped + duplicates = lines, and the table that comes of it.

A duplicate is a row whose explicit id (and step, where given) came before with the same content; null and absent are
the same content. A row without an id is never one: equal rollouts in one group are legitimate.
"""

from __future__ import annotations

import hashlib
import json
import operator
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from hicra.corpus.fields import CANONICAL, Normal
from hicra.corpus.frame import FIXED, Columns, identifiers, series
from hicra.corpus.lines import shown
from hicra.errors import DataError

MAX_COLUMNS = 1000
MAX_ERRORS = 100_000  # every skipped line is listed, so there is an end to them
Item = tuple[dict[str, Any], Normal]  # the row as it was, and its canonical form


class BadLine(DataError):
    """The first bad line, where reading stops: `file`, `line`, `offset` (bytes; None for parquet) and `reason`."""

    def __init__(self, file: str, line: int, offset: int | None, reason: str) -> None:
        self.file, self.line, self.offset, self.reason = file, line, offset, reason
        where = f"{file} line {line}" if offset is None else f"{file} line {line} (byte {offset})"
        super().__init__(f"{where}: {reason}", "mend the line, or read on with --on-bad skip")


@dataclass(frozen=True)
class Corpus:
    """What was read.

    Attributes:
        rows: the kept rows, in order; the canonical columns (null where absent), then the extra ones.
        format: "trl", "verl", "jsonl" or "parquet"; several joined by "+".
        columns: canonical column -> the input column it came from (or the rule it was derived by).
        kept, skipped, duplicates: they add up to the number of lines read.
        errors: one {file, line, offset, reason} a skipped line.
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
        """Lines read."""
        return self.kept + self.skipped + self.duplicates

    def as_input(self) -> pl.DataFrame:
        """The rows under the input's own column names and order, without the derived columns."""
        return self.rows.select(pl.col(column).alias(name) for name, column in self.input_names.items())


def _digest(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Account:
    """What grows while reading: every line ends as kept, skipped or a duplicate, and the columns fill up."""

    def __init__(self, stop: bool, keep_duplicates: bool) -> None:
        self.stop, self.keep_duplicates = stop, keep_duplicates
        self.kept = self.duplicates = 0
        self.errors: list[dict[str, Any]] = []
        self.formats: dict[str, None] = {}
        self.empty_formats: dict[str, None] = {}
        self.canonical, self.raw = Columns(), Columns()
        self.sources: dict[str, str] = {}
        self.seen: set[tuple[Any, ...]] = set()

    def bad(self, file: str, line: int, offset: int | None, reason: str) -> None:
        if self.stop:
            raise BadLine(file, line, offset, reason)
        self.errors.append({"file": file, "line": line, "offset": offset, "reason": reason})
        if len(self.errors) > MAX_ERRORS:
            raise DataError(
                f"more than {MAX_ERRORS} bad lines, the last {file} line {line}: {reason}",
                "check what kind of file this is",
            )

    def take(self, items: Iterable[Item]) -> None:
        for row, (values, taken) in items:
            if values.get("id") is not None and self._seen_before(row, values):
                self.duplicates += 1
                if not self.keep_duplicates:
                    continue
            else:
                self.kept += 1
            for canonical, source in taken.items():
                self.sources.setdefault(canonical, source)
            self.canonical.add(values)
            self.raw.add(row)
            if len(self.raw.values) > MAX_COLUMNS:
                raise DataError(
                    f"more than {MAX_COLUMNS} different keys", "put what is no column into one object or list"
                )

    def _seen_before(self, row: dict[str, Any], values: dict[str, Any]) -> bool:
        """Whether this id (and step) came before with the same content; null and absent are the same content."""
        content = [
            (name, type(value) is bool, _digest(value) if type(value) in (list, dict) else value)
            for name, value in row.items()
            if value is not None
        ]
        key = (type(values["id"]), values["id"], values.get("step"), *sorted(content, key=operator.itemgetter(0)))
        if key in self.seen:
            return True
        self.seen.add(key)
        return False

    def finish(self, files: list[Path]) -> Corpus:
        """The typed frame. An input column that equals the canonical one made of it is kept once."""
        names = list(self.raw.values)
        canonical = {name: self.canonical.pop(name) for name in CANONICAL}
        columns = [
            identifiers(name, values) if name.endswith("id") else series(name, values, FIXED[name])[0]
            for name, values in canonical.items()
        ]
        made_of = {source: name for name, source in self.sources.items()}
        input_names: dict[str, str] = {}
        json_columns: list[str] = []
        for name in names:
            values = self.raw.pop(name)
            if name in made_of and values == canonical[made_of[name]]:
                input_names[name] = made_of[name]
                continue
            used = {
                *CANONICAL,
                *input_names.values(),
                *(other for other in names if other not in CANONICAL and other != name),
            }
            input_names[name] = name
            while input_names[name] in used:
                input_names[name] += " (input)"
            column, as_json = series(input_names[name], values)
            columns.append(column)
            json_columns += [column.name] * as_json
        return Corpus(
            rows=pl.DataFrame(columns),
            format="+".join(self.formats or self.empty_formats),
            columns=self.sources,
            kept=self.kept,
            skipped=len(self.errors),
            duplicates=self.duplicates,
            errors=self.errors,
            files=[shown(path) for path in files],
            json_columns=json_columns,
            input_names=input_names,
        )
