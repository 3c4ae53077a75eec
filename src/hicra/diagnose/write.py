"""Writes the run folder of an arm: metrics, rollouts, the intervals of its metrics and the table of its prompts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from hicra.artifacts import atomic_file, sha256_file
from hicra.diagnose.measure import StepMetrics
from hicra.findings.intervals import save_intervals
from hicra.runs import RunFolder

PROMPTS = "prompts.parquet"

Steps = dict[int, StepMetrics]


def write_arm(place: Path, arm: str, steps: Steps, config: Mapping[str, Any], inputs: Mapping[str, str]) -> None:
    """Makes the folder `place`, whose method is the name of the arm."""
    run = RunFolder.create(place, method=arm, seed=0, config=config, inputs=inputs)
    for step, one in steps.items():
        run.log(step, one.values)
        run.write_rollouts(step, with_step(step, one))
    save_intervals(place, {step: one.intervals for step, one in steps.items()})
    prompts = prompts_of(steps)
    if prompts.height:
        with atomic_file(place / PROMPTS) as temporary:
            prompts.write_parquet(temporary)


def with_step(step: int, one: StepMetrics) -> pl.DataFrame:
    """Returns the rollouts of a step as a run folder keeps them."""
    return one.table.select(pl.lit(step, pl.Int64).alias("step"), pl.all())


def prompts_of(steps: Steps) -> pl.DataFrame:
    """Returns the metrics of each prompt at each step (see `StepMetrics.prompts`); empty where no step has any."""
    known = {step: one.prompts for step, one in steps.items() if one.prompts.height}
    tables = [table.select(pl.lit(step, pl.Int64).alias("step"), pl.all()) for step, table in known.items()]
    return pl.concat(tables, how="diagonal_relaxed") if tables else pl.DataFrame()


def hashes(files: Sequence[str]) -> dict[str, str]:
    """Returns the sha256 of each file by its name, from the folder on that all of them share."""
    base = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in files])
    return {os.path.relpath(path, base): sha256_file(Path(path)) for path in files}
