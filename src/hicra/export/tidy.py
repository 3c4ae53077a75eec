"""Run folders as two tidy Parquet tables.

    metrics.parquet   run str, arm str, seed int, step int, name str, value float: a row for each value that a step has
    rollouts.parquet  run, arm, seed, and the columns of the run folders' rollouts, `spans` among them (runs/folder.py)

Deviations (the paper has none of this):
EXPORT-1. A metric without a value at a step has no row there. What is no number is no metric.
EXPORT-2. A column of rollouts whose types differ from file to file beyond repair is left out, and a warning names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from hicra.export.interface import READING, Source, Written, unreadable
from hicra.runs.rollout_files import conflicting, step_of
from hicra.runs.trackers.forward import numbers

METRICS = {
    "run": pl.String, "arm": pl.String, "seed": pl.Int64, "step": pl.Int64, "name": pl.String, "value": pl.Float64,
}  # fmt: skip
_OWN = ("run", "arm", "seed")
Schema = dict[str, pl.DataType]


def tidy(sources: Sequence[Source], out: Path) -> Written:
    """Writes both tables into the folder `out`, which exists; rollouts go through in pieces and are never all in memory.

    Raises:
        ArtifactError: a line of metrics or a file of rollouts is damaged.
    """
    written = Written()
    rows = [
        (one.name, one.arm, one.run.seed, row.get("step"), name, value)
        for one in sources
        for row in one.run.metrics()
        for name, value in numbers(row).items()
    ]
    pl.DataFrame(rows, schema=METRICS, orient="row").write_parquet(out / "metrics.parquet")
    written.files["metrics.parquet"] = len(rows)
    files = [(one, file) for one in sources for file in one.run.rollout_files()]
    if not files:
        return written
    schemas = [_schema(file) for _, file in files]
    if left_out := conflicting(schemas):
        written.warnings.append(f"left out, since their types differ from file to file: {', '.join(sorted(left_out))}")
    parts = [
        _part(one, file, [name for name in schema if name not in left_out])
        for (one, file), schema in zip(files, schemas, strict=True)
    ]
    pl.concat(parts, how="diagonal_relaxed").sink_parquet(out / "rollouts.parquet")
    written.files["rollouts.parquet"] = (
        pl.scan_parquet(out / "rollouts.parquet", glob=False).select(pl.len()).collect().item()
    )
    return written


def _schema(file: Path) -> Schema:
    try:
        with open(file, "rb") as opened:  # in a path polars would read [ ] * ? as a pattern
            return dict(pl.read_parquet_schema(opened))
    except READING as error:
        raise unreadable(file, error) from None


def _part(one: Source, file: Path, columns: Sequence[str]) -> pl.LazyFrame:
    """Reads a file lazily, with the columns that say whose it is before its own."""
    own = [pl.lit(one.name).alias("run"), pl.lit(one.arm).alias("arm"), pl.lit(one.run.seed, pl.Int64).alias("seed")]
    if "step" not in columns and (step := step_of(file)) is not None:
        own.append(pl.lit(step, pl.Int64).alias("step"))
    return pl.scan_parquet(file, glob=False).select(*own, *(name for name in columns if name not in _OWN))
