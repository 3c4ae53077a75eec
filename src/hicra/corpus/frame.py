"""Turns columns of Python values into a polars frame without guessing from the first rows.

The type of a column is decided from all of its values. Where they have no common type (or none that polars can hold)
the column becomes JSON text, and the reader says so: nothing is dropped, cast or rounded in silence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

MAX_STRUCT = 64  # an object with more keys is a map, not a record
EXACT_FLOAT = 2**53
DType = pl.DataType | type[pl.DataType]
NUMBERS = frozenset((int, float))

FIXED: dict[str, DType] = {
    "response": pl.String, "correct": pl.Boolean, "reward": pl.Float64, "question": pl.String, "answer": pl.String,
    "step": pl.Int64, "model": pl.String, "source": pl.String, "token_ids": pl.List(pl.Int64),
}  # fmt: skip


class Columns:
    """Grows columns row by row; a column that begins late is null before, one that ends early is null after."""

    def __init__(self) -> None:
        self.height = 0
        self.values: dict[str, list[Any]] = {}

    def add(self, row: dict[str, Any]) -> None:
        for key, value in row.items():
            column = self.values.get(key)
            if column is None:
                column = self.values[key] = []
            if len(column) < self.height:
                column.extend([None] * (self.height - len(column)))
            column.append(value)
        self.height += 1

    def column(self, key: str) -> list[Any]:
        """Returns the values of a column, one a row; all null where no row has it."""
        column = self.values.get(key, [])
        column.extend([None] * (self.height - len(column)))
        return column


class Seen:
    """Learns the common type of values that come batch by batch; it never remembers the values."""

    def __init__(self) -> None:
        self.kinds: set[type] = set()
        self.largest = 0
        self.inner: Seen | None = None
        self.fields: dict[str, Seen] = {}

    def add(self, values: Iterable[Any]) -> None:
        values = values if isinstance(values, list) else list(values)
        kinds = set(map(type, values)) - {type(None)}
        self.kinds |= kinds
        if int in kinds and self.kinds <= NUMBERS:
            ints = values if kinds == {int} and None not in values else [v for v in values if type(v) is int]
            self.largest = max(self.largest, max(ints), -min(ints))
        elif self.kinds == {list} and kinds:
            self.inner = self.inner or Seen()
            self.inner.add(chain.from_iterable(value for value in values if value is not None))
        elif self.kinds == {dict} and len(self.fields) <= MAX_STRUCT:
            self._add_fields(value for value in values if value is not None)

    def _add_fields(self, values: Iterable[dict[str, Any]]) -> None:
        columns: dict[str, list[Any]] = {}
        for value in values:
            for key, inner in value.items():
                columns.setdefault(key, []).append(inner)
        for key, column in columns.items():
            if len(self.fields) <= MAX_STRUCT:
                self.fields.setdefault(key, Seen()).add(column)

    def dtype(self) -> DType | None:
        """Returns the polars type that holds every value exactly, or None."""
        if not self.kinds or self.kinds == {str}:
            return pl.String
        if self.kinds == {bool}:
            return pl.Boolean
        if self.kinds == {int}:
            return pl.Int64 if self.largest < 2**63 else pl.Int128 if self.largest < 2**127 else None
        if self.kinds <= NUMBERS:
            return pl.Float64 if self.largest <= EXACT_FLOAT else None
        if self.kinds == {list} and self.inner is not None:
            inner = self.inner.dtype()
            return None if inner is None else pl.List(inner)
        if self.kinds == {dict} and 0 < len(self.fields) <= MAX_STRUCT:
            fields = {key: seen.dtype() for key, seen in self.fields.items()}
            known = {key: dtype for key, dtype in fields.items() if dtype is not None}
            return pl.Struct(known) if len(known) == len(fields) else None
        return None


def series(name: str, values: Sequence[Any], dtype: DType | None) -> pl.Series:
    """Makes a series of exactly these values; JSON text where `dtype` is None."""
    if dtype is None:
        return pl.Series(name, [None if value is None else _json(value) for value in values], dtype=pl.String)
    try:
        return pl.Series(name, values, dtype=dtype, strict=True)
    except TypeError:  # inside a struct, polars takes the type of a list from its first number, whatever it is told
        return _by_fields(values, dtype).alias(name)


def _by_fields(values: Sequence[Any], dtype: Any) -> pl.Series:
    """Makes a series whose structs are put together from series of their fields, each with its own type."""
    if isinstance(dtype, pl.Struct):
        columns = {
            field.name: _by_fields([None if value is None else value.get(field.name) for value in values], field.dtype)
            for field in dtype.fields
        }
        there = pl.Series([value is not None for value in values], dtype=pl.Boolean)
        return pl.select(pl.when(there).then(pl.DataFrame(columns).to_struct())).to_series()
    if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct | pl.List):
        inner = _by_fields([one for value in values if value is not None for one in value], dtype.inner)
        ends = np.cumsum([0 if value is None else len(value) for value in values]).tolist()
        lists = [
            None if value is None else inner.slice(end - len(value), len(value))
            for value, end in zip(values, ends, strict=True)
        ]
        return pl.Series(lists, dtype=dtype)
    return pl.Series(values, dtype=dtype, strict=True)


def identifiers(name: str, values: Sequence[Any], dtype: DType | None) -> pl.Series:
    """Makes a series of ids: integers where all are integers, else strings."""
    if dtype is None or dtype == pl.String:
        return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)
    return pl.Series(name, values, dtype=dtype, strict=True)


def _json(value: Any) -> str:
    return value if type(value) is str else json.dumps(value, ensure_ascii=False, default=str)
