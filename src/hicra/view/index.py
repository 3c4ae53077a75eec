"""Knows of every rollout where it lies and the few numbers that tables are filtered and sorted by; texts stay on disk.

A rollout takes about 40 bytes here. The texts of one file are read at a time, so memory grows with the largest file of a run, and
a trainer writes one file a step.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from hicra.errors import ArtifactError
from hicra.report.sample import read_columns, steps_of, unreadable
from hicra.runs import RunFolder

_WORDS = r"\S+"
_STAMP = tuple[int, int]


@dataclass(frozen=True)
class Shard:
    """One Parquet file of a run: its run and arm, the number of its first rollout, and its size and time when it was indexed."""

    path: Path
    run: int
    arm: int
    first: int
    stamp: _STAMP


@dataclass(frozen=True)
class RolloutIndex:
    """The numbers of N rollouts, each array [N], in the order of runs, files and rows.

    Attributes:
        shards: the files.
        shard: int32, the file of a rollout.
        arm: int32.
        step: int64.
        correct: int8: 1 right, 0 wrong, -1 unknown.
        reward, share: float64, NaN where there is none; share is that of planning tokens.
        length: int64, tokens, or words where tokens are not known.
        prompt: uint64, a hash that is equal for equal prompts, or for equal ids where there is no prompt; 0 without either.
    """

    shards: tuple[Shard, ...]
    shard: npt.NDArray[np.int32]
    arm: npt.NDArray[np.int32]
    step: npt.NDArray[np.int64]
    correct: npt.NDArray[np.int8]
    reward: npt.NDArray[np.float64]
    share: npt.NDArray[np.float64]
    length: npt.NDArray[np.int64]
    prompt: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.step)

    def row(self, at: int) -> tuple[Shard, int]:
        """Returns the file of a rollout and its row there."""
        shard = self.shards[int(self.shard[at])]
        return shard, at - shard.first

    def twin(self, at: int) -> int | None:
        """Returns the rollout of another arm on the same question at the nearest step; None where there is none."""
        if not self.prompt[at]:
            return None
        others = np.nonzero((self.prompt == self.prompt[at]) & (self.arm != self.arm[at]))[0]
        return int(others[np.argmin(np.abs(self.step[others] - self.step[at]))]) if len(others) else None


def make_index(runs: Sequence[Path], arm_of: Sequence[int]) -> RolloutIndex:
    """Indexes every rollout of some run folders.

    Args:
        runs: the run folders.
        arm_of: the arm of each.

    Raises:
        ArtifactError: a file is unreadable, has no column response, or is a link that leads out of its run folder.
    """
    shards: list[Shard] = []
    tables: list[pl.DataFrame] = []
    first = 0
    for run, path in enumerate(runs):
        for file in RunFolder.open(path).rollout_files():
            _refuse_links(file, path)
            table = _numbers(file)
            shards.append(Shard(file, run, arm_of[run], first, stamp(file)))
            tables.append(table)
            first += table.height
    if not first:
        raise ArtifactError(
            f"{', '.join(map(str, runs[:3]))}: no saved rollouts",
            "train with log.rollouts_every, or diagnose rollouts into a run folder; `hicra report` shows curves alone",
        )
    whole = pl.concat(tables)
    sizes = [table.height for table in tables]
    return RolloutIndex(
        tuple(shards),
        np.repeat(np.arange(len(shards), dtype=np.int32), sizes),
        np.repeat(np.array([shard.arm for shard in shards], dtype=np.int32), sizes),
        *(whole[name].to_numpy() for name in ("step", "correct", "reward", "share", "length", "prompt")),
    )


def stamp(file: Path) -> _STAMP:
    """Returns the size and the time of a file, which change when it is written again."""
    found = os.stat(file)
    return found.st_size, found.st_mtime_ns


def _refuse_links(file: Path, run: Path) -> None:
    if Path(os.path.realpath(run)) not in Path(os.path.realpath(file)).parents:
        raise ArtifactError(
            f"{file} is a link that leads out of {run}", "copy the file into the run folder, or remove the link"
        )


def _numbers(file: Path) -> pl.DataFrame:
    """Reads the numbers of one file, [rows] each; what a file does not hold is unknown."""
    schema = _schema(file)
    if "response" not in schema:
        raise ArtifactError(
            f"{file} has no column response; its columns are {', '.join(sorted(schema)) or 'none'}",
            "remove the file, or write the run again with `hicra train` or `hicra diagnose`",
        )
    words = pl.col("response").cast(pl.String).str.count_matches(_WORDS)
    tokens = (
        pl.col("token_ends").list.len() if isinstance(schema.get("token_ends"), pl.List) else pl.lit(None, pl.UInt32)
    )
    mask = schema.get("planning_mask")
    share = (
        pl.col("planning_mask").list.eval(pl.element().cast(pl.Float64)).list.mean()
        if isinstance(mask, pl.List) and _is_number(mask.inner)
        else pl.lit(None, pl.Float64)
    )
    correct = pl.col("correct").cast(pl.Int8) if schema.get("correct") == pl.Boolean else pl.lit(None, pl.Int8)
    reward = pl.col("reward").cast(pl.Float64) if _is_number(schema.get("reward")) else pl.lit(None, pl.Float64)
    prompt, named = (
        pl.col(name) if schema.get(name) == pl.String else pl.lit(None, pl.String) for name in ("prompt", "id")
    )
    asked = pl.when(prompt.is_null()).then(pl.concat_str(pl.lit("id "), named)).otherwise(prompt)
    lazy = pl.scan_parquet(file, glob=False).select(
        pl.when(tokens > 0).then(tokens).otherwise(words).cast(pl.Int64).fill_null(0).alias("length"),
        share.fill_null(float("nan")).alias("share"),
        correct.fill_null(-1).alias("correct"),
        reward.fill_null(float("nan")).alias("reward"),
        pl.when(asked.is_null()).then(pl.lit(0, pl.UInt64)).otherwise(asked.hash(0)).alias("prompt"),
    )
    try:
        table = lazy.collect(engine="streaming")
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise unreadable(file, error) from None
    steps = steps_of(file, read_columns(file, ("step",)) if "step" in schema else table)
    return table.with_columns(pl.Series("step", steps, pl.Int64))


def _schema(file: Path) -> dict[str, Any]:
    try:
        with open(file, "rb") as opened:  # polars would read [ ] * ? in a name as a pattern
            return dict(pl.read_parquet_schema(opened))
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise unreadable(file, error) from None


def _is_number(dtype: Any) -> bool:
    return dtype is not None and (dtype.is_numeric() or dtype == pl.Boolean)
