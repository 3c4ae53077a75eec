"""Writes the run folder of an arm: metrics, rollouts, the intervals of its metrics and the table of its prompts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from hicra.artifacts import atomic_file, sha256_file
from hicra.diagnose.measure import StepMetrics
from hicra.diagnose.shelf import Shelf, lazy
from hicra.findings.intervals import save_intervals
from hicra.runs import RunFolder

PROMPTS = "prompts.parquet"
WAITING = 2**23  # bytes of prompts that go to the shelf together

Steps = dict[int, StepMetrics]


class ArmFolder:
    """Fills the run folder of an arm, step by step.

    Args:
        place: the folder, which is made.
        arm: its name, which is the method of the run.
        config, inputs: as for `RunFolder.create`.
    """

    def __init__(self, place: Path, arm: str, config: Mapping[str, Any], inputs: Mapping[str, str]) -> None:
        self.place = place
        self.run = RunFolder.create(place, method=arm, seed=0, config=config, inputs=inputs)

    def add(self, step: int, one: StepMetrics) -> None:
        """Writes the metrics and rollouts of a step."""
        self.run.log(step, one.values)
        self.run.write_rollouts(step, with_step(step, one))

    def finish(self, steps: Steps, prompts: PromptTable) -> None:
        """Writes what stands in one file for all steps."""
        save_intervals(self.place, {step: one.intervals for step, one in steps.items()})
        prompts.write(self.place / PROMPTS)


class PromptTable:
    """Grows the table of the prompts of an arm at each step (see `StepMetrics.prompts`).

    Args:
        shelf: where its parts are.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._waiting: list[pl.DataFrame] = []
        self._bytes = 0

    def add(self, step: int, one: StepMetrics) -> None:
        """Adds the prompts of a step."""
        if one.prompts.height:
            self._waiting.append(one.prompts.select(pl.lit(step, pl.Int64).alias("step"), pl.all()))
            self._bytes += int(one.prompts.estimated_size())
        if self._bytes >= WAITING:
            self._put()

    def write(self, path: Path) -> None:
        """Writes the table as Parquet; nothing where no step has prompts."""
        self._put()
        if not self._shelf.parts:
            return
        with atomic_file(path) as temporary:
            if len(self._shelf.parts) == 1 and isinstance(whole := self._shelf.parts[0], pl.DataFrame):
                whole.write_parquet(temporary)
            else:
                self._lazy().sink_parquet(temporary, maintain_order=True)

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Returns those of the columns that there are; empty where no step has prompts."""
        self._put()
        if not self._shelf.parts:
            return pl.DataFrame()
        known = self._lazy().collect_schema()
        return self._lazy().select(name for name in columns if name in known).collect()

    def _put(self) -> None:
        if self._waiting:
            self._shelf.add(pl.concat(self._waiting, how="diagonal_relaxed"))
        self._waiting, self._bytes = [], 0

    def _lazy(self) -> pl.LazyFrame:
        return pl.concat([lazy(part) for part in self._shelf.parts], how="diagonal_relaxed")


def with_step(step: int, one: StepMetrics) -> pl.DataFrame:
    """Returns the rollouts of a step as a run folder keeps them."""
    return one.table.select(pl.lit(step, pl.Int64).alias("step"), pl.all())


def hashes(files: Sequence[str]) -> dict[str, str]:
    """Returns the sha256 of each file by its name, from the folder on that all of them share."""
    base = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in files])
    return {os.path.relpath(path, base): sha256_file(Path(path)) for path in files}
