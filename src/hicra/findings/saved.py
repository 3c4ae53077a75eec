"""The saved rollouts of one run, read step by step and column by column, so that memory grows with the largest step alone.

Most findings read all steps, so the files of a small run are held in memory and read once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from hicra.runs.rollout_files import conflicting, joint, step_of

SMALL = 2**24  # bytes of all files together; held in memory they take some ten times as many

Made = TypeVar("Made")
_Schema = dict[str, pl.DataType]


@dataclass(frozen=True)
class _Part:
    """A table or a file; `named` is the step of its name where it has no column step; `steps` are those of its rows."""

    source: pl.DataFrame | Path
    schema: _Schema
    named: int | None
    steps: frozenset[int | None] = frozenset((None,))

    def lazy(self) -> pl.LazyFrame:
        table = self.source.lazy() if isinstance(self.source, pl.DataFrame) else _scan(self.source)
        return table if self.named is None else table.with_columns(pl.lit(self.named, pl.Int64).alias("step"))


class Rollouts:
    """The rollouts of a run, from tables or from Parquet files of a run folder.

    A column whose types differ from part to part beyond repair is left out; so is a column `step` that holds no whole numbers,
    since others wrote it, and what it says is no step.

    Attributes:
        schema: column -> type.
        height: number of rollouts.
        steps: those that rollouts have, ascending.
    """

    def __init__(self, parts: Sequence[pl.DataFrame | Path] = ()) -> None:
        held = sum(source.stat().st_size for source in parts if isinstance(source, Path)) <= SMALL
        found = [_part(source, held) for source in parts]
        self.schema = _joined([part.schema for part in found])
        if not self.schema.get("step", pl.Int64()).is_integer():
            del self.schema["step"]
        self._parts = [self._with_steps(part) for part in found]
        self.steps: list[int] = sorted({step for part in self._parts for step in part.steps if step is not None})
        self.height = sum(_height(part) for part in self._parts)
        self._once: dict[Any, Any] = {}

    def by_step(self, *columns: str, steps: Collection[int] | None = None) -> Iterator[pl.DataFrame]:
        """Yields the rollouts of each step, ascending, and last those without one.

        Args:
            columns: what is read, of what there is; `step` always is.
            steps: only these; None for all.
        """
        names = [name for name in dict.fromkeys(("step", *columns)) if name in self.schema]
        for step in (*self.steps, None) if names else ():
            if steps is not None and step not in steps:
                continue
            tables = [self._read(part, step, names) for part in self._parts if step in part.steps]
            if tables:
                yield tables[0] if len(tables) == 1 else pl.concat(tables)

    def has(self, *columns: str) -> bool:
        """Says whether some rollout has a value in one of these columns."""
        return any(self.once(_has, name) for name in columns if name in self.schema)

    def once(self, make: Callable[..., Made], *arguments: Any) -> Made:
        """Returns make(self, *arguments), which is made once."""
        key = (make, *arguments)
        if key not in self._once:
            self._once[key] = make(self, *arguments)
        made: Made = self._once[key]
        return made

    def values(self, column: str) -> Iterator[pl.Series]:
        """Yields the values of a column, part by part."""
        for part in self._parts:
            if column in part.schema:
                yield part.lazy().select(column).collect()[column]

    def _with_steps(self, part: _Part) -> _Part:
        if part.named is not None:
            return _Part(part.source, part.schema, part.named, frozenset((part.named,)))
        if "step" not in self.schema or "step" not in part.schema:
            return part
        found = part.lazy().select(pl.col("step").unique()).collect()["step"].to_list()
        return _Part(part.source, part.schema, None, frozenset(found))

    def _read(self, part: _Part, step: int | None, names: Sequence[str]) -> pl.DataFrame:
        table = part.lazy()
        if len(part.steps) > 1:
            table = table.filter(pl.col("step").is_null() if step is None else pl.col("step") == step)
        return table.select(self._column(part, name) for name in names).collect()

    def _column(self, part: _Part, name: str) -> pl.Expr:
        dtype = self.schema[name]
        if name not in part.schema:
            return pl.repeat(None, pl.len(), dtype=dtype).alias(name)
        return pl.col(name) if part.schema[name] == dtype else pl.col(name).cast(dtype)


def _has(rollouts: Rollouts, name: str) -> bool:
    return any(values.null_count() < len(values) for values in rollouts.values(name))


def _part(source: pl.DataFrame | Path, held: bool) -> _Part:
    if isinstance(source, pl.DataFrame):
        return _Part(source, dict(source.schema), None)
    with open(source, "rb") as file:  # polars would read [ ] * ? in a name as a pattern
        table = pl.read_parquet(file) if held else None
        schema = dict(pl.read_parquet_schema(file)) if table is None else dict(table.schema)
    named = None if "step" in schema else step_of(source)
    return _Part(source if table is None else table, schema if named is None else {"step": pl.Int64(), **schema}, named)


def _scan(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path, glob=False)


def _height(part: _Part) -> int:
    if isinstance(part.source, pl.DataFrame):
        return part.source.height
    return int(_scan(part.source).select(pl.len()).collect().item())


def _joined(schemas: Sequence[_Schema]) -> _Schema:
    """Returns the columns of tables that are put together; one that cannot be put together is left out."""
    found = joint(schemas)
    if found is None:  # which column it is depends on the pair of types
        left_out = conflicting(schemas)
        found = joint([{name: one[name] for name in one if name not in left_out} for one in schemas])
    return found or {}
