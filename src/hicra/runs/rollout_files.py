"""What everybody who reads the rollout files of a run needs: the step of a file, and columns that cannot be put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from hicra.runs.folder import STEP_NAME


def step_of(file: Path) -> int | None:
    """Returns the step that a file's name gives; None where it gives none."""
    named = STEP_NAME.match(file.name)
    return int(named[1]) if named else None


def with_step(table: pl.DataFrame, file: Path) -> pl.DataFrame:
    """Returns the rollouts of a file with a column `step`, which its name gives where they have none."""
    step = step_of(file)
    return table if "step" in table.columns or step is None else table.with_columns(step=pl.lit(step, pl.Int64))


def conflicting(schemas: Iterable[Mapping[str, pl.DataType]]) -> set[str]:
    """Returns the columns that have several types, of which not all are numbers; one of nulls alone fits every type."""
    types: dict[str, set[pl.DataType]] = {}
    for schema in schemas:
        for name, dtype in schema.items():
            types.setdefault(name, set()).update([] if dtype == pl.Null else [dtype])
    return {name for name, found in types.items() if len(found) > 1 and not all(one.is_numeric() for one in found)}


def joint(schemas: Sequence[Mapping[str, pl.DataType]]) -> dict[str, pl.DataType] | None:
    """Returns the columns of tables that are put together, each with a type for all; None where a column has none."""
    tables = [pl.DataFrame(schema=one) for one in {tuple(schema.items()): schema for schema in schemas}.values()]
    try:
        found = dict(pl.concat(tables, how="diagonal_relaxed").schema) if tables else {}
    except pl.exceptions.PolarsError:
        return None
    fits = all(_becomes(dtype, found[name]) for schema in schemas for name, dtype in schema.items())
    return found if fits else None


def _becomes(own: pl.DataType, wanted: pl.DataType) -> bool:
    """Says whether values of a type can be cast; polars names text as the type of lists beside texts, and cannot cast them."""
    if isinstance(own, pl.List | pl.Array):
        return isinstance(wanted, pl.List | pl.Array) and _becomes(_inner(own), _inner(wanted))
    return True


def _inner(dtype: pl.List | pl.Array) -> pl.DataType:
    return dtype.inner if isinstance(dtype.inner, pl.DataType) else dtype.inner()
