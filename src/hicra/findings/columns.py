"""Checks that rollouts have the columns that a finding needs, with the types of a run folder; others wrote some of them."""

from __future__ import annotations

import polars as pl


def with_columns_of(rollouts: pl.DataFrame, **kinds: str) -> pl.DataFrame | None:
    """Returns the rollouts that have a value in each of these columns; None where there is none, or a column has another type.

    Args:
        rollouts: columns as in a run folder, most of which may be absent.
        kinds: column -> "integer", "text", "truth" (true or false) or "numbers" (a list of numbers).
    """
    if not all(name in rollouts.columns and _is(rollouts.schema[name], kind) for name, kind in kinds.items()):
        return None
    kept = rollouts.drop_nulls(list(kinds))
    return kept if kept.height else None


def _is(dtype: pl.DataType, kind: str) -> bool:
    if kind == "numbers":
        return isinstance(dtype, pl.List) and dtype.inner.is_numeric()
    return {"integer": dtype.is_integer(), "text": dtype == pl.String, "truth": dtype == pl.Boolean}[kind]
