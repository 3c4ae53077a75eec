"""Learns the schema of a corpus batch by batch, and makes the frames of that schema.

Every frame of one corpus has the same columns and types, whatever its own rows hold: `Schema` sees all batches (first
pass), `Layout` is what it found, and makes the frames (second pass, or from batches that were kept).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from hicra.corpus.fields import CANONICAL
from hicra.corpus.frame import FIXED, Columns, DType, Seen, identifiers, series
from hicra.errors import DataError

MAX_COLUMNS = 1000
IDS = tuple(name for name in CANONICAL if name not in FIXED)


class Item(NamedTuple):
    """Holds a response.

    Attributes:
        row: its row as it was; several responses may share one.
        values, taken: its canonical values, and where each came from.
        size: bytes of input.
        part: which response of its row it is.
        key: what its writer knows it by, None where only `id` tells.
    """

    row: dict[str, Any]
    values: dict[str, Any]
    taken: dict[str, str]
    size: int
    part: int = 0
    key: Any = None


@dataclass
class Batch:
    """Holds rows in order: as they were (`raw`), their canonical values, where those came from, and bytes of input."""

    canonical: Columns = field(default_factory=Columns)
    raw: Columns = field(default_factory=Columns)
    sources: dict[str, str] = field(default_factory=dict)
    size: int = 0

    @property
    def height(self) -> int:
        """The number of rows."""
        return self.canonical.height

    def add(self, item: Item, extras: bool) -> None:
        """Adds a row, without `extras` only its canonical values. Raises DataError past `MAX_COLUMNS` columns."""
        for name, source in item.taken.items():
            self.sources.setdefault(name, source)
        self.canonical.add(item.values)
        self.size += item.size
        if extras:
            self.raw.add(item.row)
            check_columns(self.raw.values)


@dataclass(frozen=True)
class Layout:
    """Holds the columns and types of a corpus.

    Attributes:
        ids: types of `id` and `group_id`.
        extras: (input column, column of the frame, type or None for JSON text), in the order of the input.
        input_names: input column -> column of the frame, in the order of the input.
        json_columns: extra columns whose values had no common type.
    """

    ids: dict[str, DType | None]
    extras: list[tuple[str, str, DType | None]]
    input_names: dict[str, str]
    json_columns: list[str]

    def frame(self, batch: Batch) -> pl.DataFrame:
        """Makes the typed frame of a batch: the canonical columns (null where absent), then the extra ones."""
        columns = [
            identifiers(name, batch.canonical.column(name), self.ids[name])
            if name in self.ids
            else series(name, batch.canonical.column(name), FIXED[name])
            for name in CANONICAL
        ]
        columns += [series(name, batch.raw.column(source), dtype) for source, name, dtype in self.extras]
        return pl.DataFrame(columns)


CANONICAL_ONLY = Layout(dict.fromkeys(IDS, pl.String), [], {}, [])


class Schema:
    """Learns in a first pass the input's columns, their types, and which of them a canonical column already holds."""

    def __init__(self) -> None:
        self.raw: dict[str, Seen] = {}
        self.ids = {name: Seen() for name in IDS}
        self.sources: dict[str, str] = {}
        self._same: dict[str, bool] = {}  # canonical -> whether the column it came from equals it so far

    def add(self, batch: Batch) -> None:
        """Learns from one more batch. Raises DataError past `MAX_COLUMNS` columns."""
        for name, source in batch.sources.items():
            if name not in self.sources:
                self.sources[name] = source
                # the rows so far have no canonical value, so the columns are equal where the source had none either
                self._same[name] = source not in self.raw or not self.raw[source].kinds
        for name, source in self.sources.items():
            if self._same[name]:
                self._same[name] = batch.raw.column(source) == batch.canonical.column(name)
        for name in batch.raw.values:
            self.raw.setdefault(name, Seen()).add(batch.raw.column(name))
        for name, seen in self.ids.items():
            seen.add(batch.canonical.column(name))
        check_columns(self.raw)

    def layout(self) -> Layout:
        """Returns what was learnt; an input column that equals the canonical one made of it is kept once."""
        made_of = {source: name for name, source in self.sources.items() if self._same[name]}
        input_names: dict[str, str] = {}
        extras: list[tuple[str, str, DType | None]] = []
        for name, seen in self.raw.items():
            if name in made_of:
                input_names[name] = made_of[name]
                continue
            used = {
                *CANONICAL,
                *input_names.values(),
                *(other for other in self.raw if other not in CANONICAL and other != name),
            }
            input_names[name] = name
            while input_names[name] in used:
                input_names[name] += " (input)"
            extras.append((name, input_names[name], seen.dtype()))
        json_columns = [name for _, name, dtype in extras if dtype is None]
        return Layout({name: seen.dtype() for name, seen in self.ids.items()}, extras, input_names, json_columns)


def check_columns(names: Mapping[str, object]) -> None:
    """Raises DataError where there are more than `MAX_COLUMNS` columns; they are in the order in which they were met."""
    if len(names) > MAX_COLUMNS:
        first, last = next(iter(names)), next(reversed(list(names)))
        raise DataError(
            f"the rows have more than {MAX_COLUMNS} different keys, from {first!r} to {last!r}",
            "put what is no column into one object or list",
        )
