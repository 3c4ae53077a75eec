"""What a finding is, and what it is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from hicra.runs import RunFolder


@dataclass(frozen=True)
class Finding:
    """One thing that a run shows.

    Attributes:
        name: fixed; scripts look for it (`lexicon_hacking`, `no_gradient`, ...).
        text: one or two plain sentences with the figures that matter.
        figures: the figures by name, such as JSON holds: numbers, texts, lists, null; never NaN.
        alarm: True where it says that something goes wrong, False where that was looked for and not seen, None where it only
            describes the run.
    """

    name: str
    text: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    alarm: bool | None = None


@dataclass(frozen=True)
class Evidence:
    """What a finding is made from: the metrics and rollouts of one run, trained or diagnosed.

    Attributes:
        metrics: one mapping a step, ascending by `step`; names as in the metrics table, None where a step has no value.
        rollouts: the saved rollouts of all steps, columns as in a run folder (most may be absent or null).
        config: the run's resolved config; empty where there is none.
    """

    metrics: Sequence[Mapping[str, Any]]
    rollouts: pl.DataFrame
    config: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, run: RunFolder) -> Evidence:
        """Reads it from a run folder."""
        tables = list(run.rollouts())
        rollouts = pl.concat(tables, how="diagonal_relaxed") if tables else pl.DataFrame()
        return cls(run.metrics(), rollouts, run.config)
