"""Counts kinds of failures in the first and in the last fifth of a run's steps.

The number of failures falls while accuracy rises, so a kind may get rarer in number and more frequent among the failures.
Both are given: the counts, and the shares of the failures.

Deviations (the paper shows counts over checkpoints, without intervals):
ERRORS-1. The first and the last fifth of the steps with saved rollouts are compared, at least one step each.
ERRORS-2. The interval of a share is over groups, since rollouts of one prompt fail alike (`stats.grouped_share_interval`);
    that of its change follows from the two (`stats.share_change_interval`).
ERRORS-5. An end of a single step (there are fewer than ten saved ones), or with fewer than 20 scored failures, is too little to
    say how the shares changed: the text gives the numbers without a change. Where all or none of the failures of both ends are
    errors of planning, the text says so without an interval, which would tell the number of groups alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from hicra.arrays import Ints
from hicra.drawing.readable import decimal, number
from hicra.stats import grouped_share_interval, share_change_interval

PERIOD = {"first": "the first fifth of the steps", "last": "the last fifth of the steps", "all": "the only step"}
_ONE_STEP = {"first": "the first saved step", "last": "the last saved step", "all": "the only step"}
LEAST_FAILURES = 20


def ends_of(steps: Sequence[int]) -> list[int]:
    """Returns the steps of both ends, of all steps of a run in ascending order."""
    count = max(1, len(steps) // 5)
    return sorted({*steps[:count], *steps[-count:]})


def with_period(rollouts: pl.DataFrame, steps: Sequence[int] | None = None) -> pl.DataFrame:
    """Returns the rollouts of both ends of a run with a column `period`: "first" or "last", or "all" where there is one step.

    Args:
        rollouts: with a step each.
        steps: all steps of the run, ascending; None where the rollouts have them all.
    """
    known = np.unique(rollouts["step"].to_numpy()) if steps is None else np.array(steps)
    return rollouts.with_columns(
        pl.Series("period", _names(rollouts["step"].to_numpy(), known.astype(np.int64)), pl.String)
    ).drop_nulls("period")


def groups(rollouts: pl.DataFrame, fallback: str) -> pl.Series:
    """[B] numbers that rollouts share which answer one prompt in one step: by `group_id`, or the column `fallback` without it."""
    known = "group_id" in rollouts.columns and not rollouts.schema["group_id"].is_nested()
    names = ["group_id" if known and not rollouts["group_id"].null_count() else fallback]
    return rollouts.select(pl.struct("step", *names).rank("dense").cast(pl.Int64).alias("group")).to_series()


def periods(
    rollouts: pl.DataFrame, failures: pl.DataFrame, kinds: Sequence[str], shared: Sequence[str]
) -> list[dict[str, Any]]:
    """Counts failures by period.

    Args:
        rollouts: all judged rollouts of both ends, with `period` and `step`.
        failures: the failed ones of which the kind was sought, with `period`, `kind`, `group`, and `planning`, which is true for
            an error of planning, false for another one, and null for what is not scored.
        kinds: every kind there is.
        shared: the kinds whose shares of the scored failures are given.

    Returns:
        One dict a period: period, steps [first, last], rollouts, counts {kind: failures}, scored (failures of which it is known
        whether they are errors of planning), shares {kind: share or None}, planning_errors, planning_share, planning_share_ci
        (None where nothing is scored).
    """
    found = []
    for name in (name for name in PERIOD if name in rollouts["period"]):
        steps = rollouts.filter(pl.col("period") == name)["step"].to_list()
        mine = failures.filter(pl.col("period") == name)
        counts = {kind: int((mine["kind"] == kind).sum()) for kind in kinds}
        scored = mine.drop_nulls("planning")
        whole, part = scored.height, int(scored["planning"].sum())
        by_group = scored.group_by("group", maintain_order=True).agg(pl.col("planning").sum(), pl.len())
        found.append({
            "period": name, "steps": [min(steps), max(steps)], "rollouts": len(steps), "counts": counts, "scored": whole,
            "shares": {kind: counts[kind] / whole if whole else None for kind in shared},
            "planning_errors": part, "planning_share": part / whole if whole else None,
            "planning_share_ci": list(grouped_share_interval(by_group["planning"].to_numpy(), by_group["len"].to_numpy()))
            if whole else None,
        })  # fmt: skip
    return found


def change(found: Sequence[dict[str, Any]]) -> dict[str, float] | None:
    """Returns difference, low and high of the planning share, last minus first; None where one of them is not known."""
    if len(found) < 2 or any(one["planning_share"] is None for one in found):
        return None
    first, last = ((one["planning_share"], *one["planning_share_ci"]) for one in found)
    low, high = share_change_interval(first, last)
    return {"difference": last[0] - first[0], "low": low, "high": high}


def told(of: dict[str, float] | None, found: Sequence[dict[str, Any]], numbers: Sequence[float]) -> str:
    """Says how the number (one a period) and the share of planning errors changed; the empty text where no change is known."""
    if of is None:
        return ""
    shares = [number(one["planning_share"], percent=True) for one in found]
    went = f"from {number(numbers[0])} to {number(numbers[1])} in number"
    if few := _too_few(found):
        numbered = (
            f"{number(numbers[0])} and {number(numbers[1])} in number, {shares[0]} and {shares[1]} of the failures"
        )
        return f"Errors of planning are {numbered}: {few} to say how that changed."
    if of["difference"] == 0 and found[0]["planning_share"] in (0, 1):
        return f"Errors of planning went {went}, and are {shares[0]} of the failures at both ends."
    points = [decimal(100 * of[name], 1, sign=True) for name in ("difference", "low", "high")]
    return (
        f"So errors of planning went {went}, and from {shares[0]} to {shares[1]} of the failures ({points[0]} points, "
        f"95\u00a0% interval {points[1]} to {points[2]})."
    )


def _too_few(found: Sequence[dict[str, Any]]) -> str:
    """Says what the two ends have too few of, or the empty text (ERRORS-5)."""
    if any(one["steps"][0] == one["steps"][1] for one in found):
        return "one step at each end is too little (it takes ten saved steps)"
    if min(one["scored"] for one in found) < LEAST_FAILURES:
        return f"these are too few failures (it takes {LEAST_FAILURES} at each end)"
    return ""


def where(period: dict[str, Any]) -> str:
    """Says which steps a period has.

    >>> [where({"period": name, "steps": steps}) for name, steps in (("first", [1, 20]), ("last", [2, 2]), ("all", [3, 3]))]
    ['in the first fifth of the steps (1 to 20)', 'in the last saved step (2)', 'in the only step (3)']
    """
    first, last = period["steps"]
    if first == last:
        return f"in {_ONE_STEP[period['period']]} ({first})"
    return f"in {PERIOD[period['period']]} ({first} to {last})"


def _names(step: Ints, steps: Ints) -> list[str | None]:
    if len(steps) < 2:
        return ["all"] * len(step)
    count = max(1, len(steps) // 5)
    return ["first" if one <= steps[count - 1] else "last" if one >= steps[-count] else None for one in step.tolist()]
