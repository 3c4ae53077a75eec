"""Reads several runs, each path one of them, into one table whose column RUN names the run of each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from hicra import corpus
from hicra.errors import ConfigError
from hicra.runs.rollout_files import conflicting

RUN = "_run"


def read_apart(paths: Sequence[Path], on_bad: Any, max_bad: float, **settings: Any) -> corpus.Corpus:
    """Reads each path by itself and puts the rows together.

    Args:
        paths: at least two files or folders, a run each.
        on_bad, max_bad, settings: as for `corpus.read`; the limits hold for each path.

    Returns:
        The rows of all, with the column `RUN`; a column whose types differ from run to run beyond repair is text. `format` names
        the formats, and counts are those of all.

    Raises:
        ConfigError: there are fewer than two paths, or one is given twice, or a quarantine file is asked for.
        DataError: as for `corpus.read`.
    """
    if len(paths) < 2:
        raise ConfigError(
            "--apart with one path: there is nothing to set beside it", "name two files or folders, or drop --apart"
        )
    if settings.get("quarantine") is not None:
        raise ConfigError(
            "--quarantine lists the lines of one run, and --apart reads several", "diagnose each run by itself"
        )
    if len({path.resolve() for path in paths}) < len(paths):
        raise ConfigError("--apart: a path is given twice", "name each run once")
    read = [corpus.read([path], on_bad, max_bad, **settings) for path in paths]
    tables = [
        one.rows.with_columns(pl.col("id", "group_id").cast(pl.String), pl.lit(name).alias(RUN))
        for one, name in zip(read, run_names(paths), strict=True)
    ]
    return corpus.Corpus(
        rows=_together(tables),
        format="+".join(dict.fromkeys(one.format for one in read)),
        columns=_merged(one.columns for one in read),
        kept=sum(one.kept for one in read),
        skipped=sum(one.skipped for one in read),
        duplicates=sum(one.duplicates for one in read),
        errors=[error for one in read for error in one.errors],
        files=[file for one in read for file in one.files],
        input_names=_merged(one.input_names for one in read),
    )


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


def _together(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    try:
        return pl.concat(tables, how="diagonal_relaxed")
    except pl.exceptions.PolarsError:  # two columns of one name have nothing in common
        mixed = conflicting(table.schema for table in tables)
        texts = [
            table.with_columns(_as_text(table, name) for name in mixed if name in table.columns) for table in tables
        ]
        return pl.concat(texts, how="diagonal_relaxed")


def _as_text(table: pl.DataFrame, name: str) -> pl.Series:
    return pl.Series(name, [None if value is None else str(value) for value in table[name].to_list()], pl.String)


def _merged(mappings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in mappings:
        found = {**one, **found}
    return found
