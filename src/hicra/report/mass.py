"""Adds up the advantage mass of each step by kind of token, before and after shaping, over all rollouts of a run folder.

Deviations (the paper shows no masses):
REPORT-9. The mass of a kind is the sum of |A| over its tokens, so that praise and blame do not cancel. Before shaping, every
    token of a rollout counts with the rollout's own advantage. Rollouts without token columns, and values that are not finite,
    are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from hicra.report.sample import read_columns, steps_of
from hicra.runs import RunFolder

COLUMNS = ("step", "advantage", "advantages", "planning_mask")


@dataclass(frozen=True)
class Mass:
    """Sums of |A| over tokens: of planning and of execution tokens, before and after shaping."""

    planning_before: float = 0.0
    execution_before: float = 0.0
    planning_after: float = 0.0
    execution_after: float = 0.0

    def __add__(self, other: Mass) -> Mass:
        return Mass(*(mine + theirs for mine, theirs in zip(self.parts(), other.parts(), strict=True)))

    def parts(self) -> tuple[float, float, float, float]:
        """Returns the four sums in their order."""
        return self.planning_before, self.execution_before, self.planning_after, self.execution_after

    def shares(self) -> tuple[float | None, float | None]:
        """Returns the planning share of the mass before and after shaping; None where there is no mass.

        >>> Mass(1.0, 3.0, 2.0, 2.0).shares()
        (0.25, 0.5)
        """
        return _share(self.planning_before, self.execution_before), _share(self.planning_after, self.execution_after)


def _share(planning: float, execution: float) -> float | None:
    whole = planning + execution
    return planning / whole if whole > 0 else None


def masses(folder: RunFolder) -> Mapping[int, Mass]:
    """Returns the mass of each step that has rollouts with advantages and a planning mask; empty where none has."""
    out: dict[int, Mass] = {}
    for file in folder.rollout_files():
        frame = read_columns(file, COLUMNS)
        if not {"advantage", "advantages", "planning_mask"} <= set(frame.columns) or not _fit(frame):
            continue
        for step, *sums in _sums(frame.with_columns(pl.Series("step", steps_of(file, frame), pl.Int64))).iter_rows():
            out[step] = out.get(step, Mass()) + Mass(*sums)
    return dict(sorted(out.items()))


def _fit(frame: pl.DataFrame) -> bool:
    """Tells whether the columns are a number a rollout and lists of numbers, as a run folder has them."""
    lists = [frame.schema[name] for name in ("advantages", "planning_mask")]
    inner = [kind.inner for kind in lists if isinstance(kind, pl.List)]
    numeric = [kind == pl.Boolean or (isinstance(kind, pl.DataType) and kind.is_numeric()) for kind in inner]
    return frame.schema["advantage"].is_numeric() and numeric == [True, True]


def _sums(frame: pl.DataFrame) -> pl.DataFrame:
    """Returns (step, and the four sums of a `Mass`), a row a step."""
    whole = frame.filter(
        pl.col("advantages").list.len() == pl.col("planning_mask").list.len(), pl.col("advantages").list.len() > 0
    )
    tokens = whole.explode("advantages", "planning_mask").select(
        "step",
        before=pl.col("advantage").cast(pl.Float64).abs(),
        after=pl.col("advantages").cast(pl.Float64).abs(),
        planning=pl.col("planning_mask").cast(pl.Float64) > 0,
    )
    known = tokens.filter(pl.col("before").is_finite(), pl.col("after").is_finite())
    sums = [
        pl.col(when).filter(pl.col("planning") == kind).sum().alias(f"{when} {kind}")
        for when in ("before", "after")
        for kind in (True, False)
    ]
    return known.group_by("step", maintain_order=True).agg(sums).sort("step")
