"""Puts the columns of several runs together, each path one of them, and names the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from hicra.errors import ConfigError
from hicra.runs.rollout_files import conflicting, joint


def refuse_apart(paths: Sequence[Path], quarantine: Any) -> None:
    """Raises ConfigError where there are fewer than two paths, one is given twice, or a quarantine file is asked for."""
    if len(paths) < 2:
        raise ConfigError(
            "--apart with one path: there is nothing to set beside it", "name two files or folders, or drop --apart"
        )
    if quarantine is not None:
        raise ConfigError(
            "--quarantine lists the lines of one run, and --apart reads several", "diagnose each run by itself"
        )
    if len({path.resolve() for path in paths}) < len(paths):
        raise ConfigError("--apart: a path is given twice", "name each run once")


def run_names(paths: Sequence[Path]) -> list[str]:
    """Names the runs by the ends of their paths that tell them apart, without what names a format.

    >>> run_names([Path("a/rollouts"), Path("b/rollouts"), Path("c.jsonl.gz")])
    ['a/rollouts', 'b/rollouts', 'c']
    """
    plain = [path.resolve() if path.name in ("", ".", "..") else path for path in paths]
    parts = [(*path.parts[:-1], path.name.split(".")[0] or path.name) for path in plain]
    names = []
    for own in parts:
        length = 1
        while length < len(own) and sum(other[-length:] == own[-length:] for other in parts) > 1:
            length += 1
        names.append("/".join(own[-length:]).lstrip("/"))
    twice = {name for name in names if names.count(name) > 1}  # a.jsonl and a.parquet
    return [str(path) if name in twice else name for path, name in zip(paths, names, strict=True)]


def joint_schema(tables: Sequence[pl.DataFrame]) -> dict[str, pl.DataType]:
    """Returns the columns of tables that are put together; a column whose types differ beyond repair is text, and so are ids."""
    plain = [table.with_columns(pl.col("id", "group_id").cast(pl.String)).schema for table in tables]
    found = joint(plain)
    if found is None:
        mixed = conflicting(plain)
        found = joint([{name: pl.String() if name in mixed else one[name] for name in one} for one in plain])
    return found or {}


def same_columns(rows: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Returns these columns of some rows with these types, null where the rows do not have them."""
    return rows.select(_column(rows, name, dtype) for name, dtype in schema.items())


def _column(rows: pl.DataFrame, name: str, dtype: pl.DataType) -> pl.Series | pl.Expr:
    if name not in rows.columns:
        return pl.repeat(None, rows.height, dtype=dtype).alias(name)
    own = rows.schema[name]
    if dtype == pl.String and own.is_nested():
        texts = [None if value is None else str(value) for value in rows[name].to_list()]
        return pl.Series(name, texts, pl.String)
    return pl.col(name) if own == dtype else pl.col(name).cast(dtype)
