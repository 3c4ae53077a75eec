"""Columns of Python values to a polars frame without guessing from the first rows.

The type of a column is decided from all of its values. Where they have no common type (or none that polars can hold)
the column becomes JSON text, and the reader says so: nothing is dropped, cast or rounded in silence.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

MAX_STRUCT = 64  # keys; an object with more is a map, not a record
EXACT_FLOAT = 2**53
DType = pl.DataType | type[pl.DataType]

FIXED: dict[str, DType] = {
    "response": pl.String, "correct": pl.Boolean, "reward": pl.Float64, "question": pl.String, "answer": pl.String,
    "step": pl.Int64, "model": pl.String, "source": pl.String, "token_ids": pl.List(pl.Int64),
}  # fmt: skip


class Columns:
    """Grows columns row by row; a column first seen late is null above, one that ends early is null below."""

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

    def pop(self, key: str) -> list[Any]:
        column = self.values.pop(key, [])
        column.extend([None] * (self.height - len(column)))
        return column


def series(name: str, values: Sequence[Any], dtype: DType | None = None) -> tuple[pl.Series, bool]:
    """A series of exactly these values.

    Returns:
        the series, and whether its values had to become JSON text.
    """
    dtype = dtype or common_type(values)
    if dtype is not None:
        return pl.Series(name, values, dtype=dtype, strict=True), False
    text = [None if value is None else _json(value) for value in values]
    return pl.Series(name, text, dtype=pl.String), True


def identifiers(name: str, values: Sequence[Any]) -> pl.Series:
    """Ids: integers where all are, else strings."""
    dtype = common_type(values)
    if dtype is None or dtype == pl.String:
        return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)
    return pl.Series(name, values, dtype=dtype, strict=True)


def _json(value: Any) -> str:
    return value if type(value) is str else json.dumps(value, ensure_ascii=False, default=str)


def common_type(values: Sequence[Any]) -> DType | None:
    """The polars type that holds every value exactly, or None."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds or kinds == {str}:
        return pl.String
    if kinds == {bool}:
        return pl.Boolean
    if kinds == {int}:
        largest = max(abs(value) for value in values if value is not None)
        return pl.Int64 if largest < 2**63 else pl.Int128 if largest < 2**127 else None
    if kinds <= {int, float}:
        exact = all(type(value) is not int or abs(value) <= EXACT_FLOAT for value in values)
        return pl.Float64 if exact else None
    if kinds == {list}:
        inner = common_type([item for value in values if value is not None for item in value])
        return None if inner is None else pl.List(inner)
    if kinds == {dict}:
        return _struct([value for value in values if value is not None])
    return None


def _struct(values: list[dict[str, Any]]) -> DType | None:
    keys = list(dict.fromkeys(key for value in values for key in value))
    if not keys or len(keys) > MAX_STRUCT:
        return None
    fields = {key: common_type([value.get(key) for value in values]) for key in keys}
    if any(dtype is None for dtype in fields.values()):
        return None
    return pl.Struct({key: dtype for key, dtype in fields.items() if dtype is not None})
