"""Groups that gave no gradient: all rollouts of the prompt had the same reward, or could not be scored; and why.

Advantages are relative to the group. Where no rollout of a group did better than another, every advantage is 0, and HICRA
amplifies nothing either.

Deviations:
FINDING-4. A group without a gradient counts for the first of these that holds: unscorable (fewer than two of its rollouts have a
    reward), all cut (every rollout was cut at the length limit and none is right), all right, all wrong, equal rewards (where
    correctness is unknown). The alarm is from half of the groups on; the interval of the share takes the groups as independent,
    and where it reaches below a half the alarm says that this is not sure. Where a system plays, a group without a gradient is
    one whose tokens all have the advantage 0: trees and values give advantages where rewards are equal, too.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl

from hicra.drawing.readable import counted, number
from hicra.findings.curves import curve
from hicra.findings.examples import examples
from hicra.findings.finding import Evidence, Finding, Headline
from hicra.findings.saved import Rollouts
from hicra.stats import wilson_interval

NAME = "no_gradient"
MANY = 0.5  # share of groups without a gradient
REASONS = ("all right", "all wrong", "all cut", "unscorable", "equal rewards")
COLUMNS = ("group_id", "prompt", "reward", "correct", "truncated", "advantages")
_MEANS = {
    "all right": "problems that are too easy for this model", "all wrong": "problems that are too hard for this model",
    "all cut": "responses that are too long for the limit", "unscorable": "rollouts that cannot be scored",
    "equal rewards": "rewards that do not tell rollouts apart",
}  # fmt: skip
_OTHER_PROBLEMS = "hicra train --config CONFIG --set train.dynamic_sampling=3"
THEN = {
    "all right": _OTHER_PROBLEMS, "all wrong": _OTHER_PROBLEMS,
    "all cut": "hicra train --config CONFIG --set train.max_new_tokens=N",
    "unscorable": "hicra verify ROLLOUTS --judged judged.jsonl", "equal rewards": "hicra corpus inspect ROLLOUTS",
}  # fmt: skip


def no_gradient(evidence: Evidence) -> Finding | None:
    """Counts the groups of the saved rollouts; None where every group is of one, nothing is known, or nothing is trained."""
    if evidence.stepless:
        return None
    counts = group_outcomes(evidence.rollouts, of_system=bool(evidence.system))
    if counts is None:
        return _of_metric(evidence)
    if not counts:
        return None
    groups = sum(counts.values())
    none = groups - counts["mixed"]
    low, high = (min(1.0, max(0.0, end)) for end in wilson_interval(none, groups))  # rounding may leave 0..1
    figures: dict[str, Any] = {
        "groups": groups, "no_gradient": none, "share": none / groups, "share_ci": [low, high],
        "reasons": {name: counts[name] for name in REASONS}, "threshold": MANY,
    }  # fmt: skip
    text = (
        f"{none} of {counted(groups, 'saved group')} ({number(none / groups, True)}, 95\u00a0% interval {number(low, True)} to "
        f"{number(high, True)}) gave no gradient"
    )
    told = [f"{name} in {counts[name]}" for name in REASONS if counts[name]]
    text += f": {', '.join(told)}." if told else "."
    headline = Headline("share of the saved groups that gave no gradient", none / groups, low, high)
    if none / groups < MANY:
        return Finding(NAME, text, figures, False, headline)
    unsure = "" if low >= MANY else f" With {counted(groups, 'group')} it is not sure that it is half or more."
    main = max(REASONS, key=lambda name: counts[name])
    shown = _of_reason(evidence, main)
    return Finding(NAME, f"{text} {_main_reason(counts)}{unsure}", figures, True, headline, shown, THEN[main])


def _of_reason(evidence: Evidence, reason: str) -> tuple[dict[str, Any], ...]:
    """Returns a rollout of each of the first groups of this reason."""

    def with_why(table: pl.DataFrame) -> pl.DataFrame:
        rows = _scored(table, bool(evidence.system))
        outcomes = None if rows is None else _outcomes(rows)
        if outcomes is None or table["step"].null_count():
            return table.with_columns(pl.lit(None, pl.String).alias("why"), pl.lit(0).alias("_of_group"))
        keys = [name for name in outcomes.columns if name != "why"]
        first = table.with_columns(pl.int_range(pl.len()).over(keys).alias("_of_group"))
        return first.join(outcomes, on=keys, how="left", nulls_equal=True, maintain_order="left")

    where = (pl.col("why") == reason) & (pl.col("_of_group") == 0)
    return examples(evidence.rollouts, where, made=with_why, columns=COLUMNS)


def _main_reason(counts: dict[str, int]) -> str:
    """Names the reason that most groups have, or those that share the first place."""
    most = max(counts[name] for name in REASONS)
    means = [_MEANS[name] for name in REASONS if counts[name] == most]
    if len(means) == 1:
        return f"The main reason is {means[0]}."
    return f"The main reasons, equally often, are {', '.join(means[:-1])} and {means[-1]}."


def group_outcomes(rollouts: Rollouts, of_system: bool = False) -> dict[str, int] | None:
    """Counts groups of at least two rollouts by what became of them: mixed (which gave a gradient), or one of `REASONS`.

    It is None where no group or no reward is known, and empty where every group is of one rollout.

    Args:
        rollouts: with group_id or prompt (rollouts of one step that agree in both are a group), and reward or correct; step
            and truncated are used where they are there.
        of_system: whether they are rows of a system: those of a group differ in what was read before them, and the group is mixed
            where a token of it has an advantage, if `advantages` says that.
    """
    counts: Counter[str] = Counter()
    known = False
    for table in rollouts.by_step(*COLUMNS):
        rows = _scored(table, of_system)
        if rows is None:
            return None
        known = known or rows["reward"].null_count() < rows.height
        counts.update(_outcomes(rows)["why"].to_list())
    if not known:
        return None
    return {name: counts[name] for name in ("mixed", *REASONS)} if counts else {}


def _scored(rollouts: pl.DataFrame, of_system: bool) -> pl.DataFrame | None:
    """Returns the rollouts of which the group is known with what decides on it; None without a column that tells groups apart."""
    columns = dict(rollouts.schema)
    dtype = columns.get("advantages")
    by_advantage = of_system and isinstance(dtype, pl.List) and dtype.inner.is_numeric()
    apart = ("group_id",) if by_advantage else ("group_id", "prompt")
    names = [name for name in apart if name in columns and not columns[name].is_nested()]
    if not names:
        return None
    reward = pl.col("reward").cast(pl.Float64) if _is(columns, "reward", "numeric") else pl.lit(None, pl.Float64)
    correct = pl.col("correct") if columns.get("correct") == pl.Boolean else pl.lit(None, pl.Boolean)
    cut = pl.col("truncated") if columns.get("truncated") == pl.Boolean else pl.lit(None, pl.Boolean)
    step = pl.col("step") if _is(columns, "step", "integer") else pl.lit(0)
    spread = pl.col("advantages").list.eval(pl.element().abs()).list.max() if by_advantage else pl.lit(None, pl.Float64)
    return rollouts.filter(pl.any_horizontal(pl.col(names).is_not_null())).select(
        step.alias("step"), *names, pl.coalesce(reward.fill_nan(None), correct.cast(pl.Float64)).alias("reward"),
        correct.alias("correct"), cut.fill_null(False).alias("cut"), spread.alias("largest"),
        pl.lit(by_advantage).alias("by_advantage"),
    )  # fmt: skip


def _outcomes(rows: pl.DataFrame) -> pl.DataFrame:
    """Returns what became of each group of at least two rollouts, with the columns that tell groups apart, and `why`."""
    names = [name for name in ("group_id", "prompt") if name in rows.columns]
    grouped = rows.group_by("step", *names, maintain_order=True).agg(
        size=pl.len(), known=pl.col("reward").count(), spread=pl.col("reward").max() - pl.col("reward").min(),
        right=pl.col("correct").sum(), judged=pl.col("correct").count(), cut=pl.col("cut").all(), largest=pl.col("largest").max(),
        by_advantage=pl.col("by_advantage").first(),
    )  # fmt: skip
    grouped = grouped.filter(pl.col("size") > 1)
    differs = pl.when("by_advantage").then(pl.col("largest") > 0).otherwise(pl.col("spread") > 0)
    why = (
        pl.when(pl.col("known") < 2).then(pl.lit("unscorable"))
        .when(differs).then(pl.lit("mixed"))
        .when(pl.col("cut") & (pl.col("right") == 0)).then(pl.lit("all cut"))
        .when((pl.col("judged") > 0) & (pl.col("right") == pl.col("judged"))).then(pl.lit("all right"))
        .when((pl.col("judged") > 0) & (pl.col("right") == 0)).then(pl.lit("all wrong"))
        .otherwise(pl.lit("equal rewards"))
    )  # fmt: skip
    return grouped.select("step", *names, why.alias("why"))


def _of_metric(evidence: Evidence) -> Finding | None:
    """What the share of mixed groups alone tells, where no rollouts were saved."""
    steps, mixed = curve(evidence, "hicra/mixed_groups")
    if not len(steps):
        return None
    share = 1 - float(mixed.mean())
    text = f"{number(share, True)} of the groups gave no gradient (mean over {counted(len(steps), 'step')})."
    text += " No rollouts with groups and rewards are saved, so the reasons are not known."
    return Finding(NAME, text, {"share": share, "steps": len(steps), "threshold": MANY}, alarm=share >= MANY)


def _is(columns: dict[str, pl.DataType], name: str, kind: str) -> bool:
    dtype = columns.get(name)
    return dtype is not None and (dtype.is_numeric() if kind == "numeric" else dtype.is_integer())
