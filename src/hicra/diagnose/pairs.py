"""Compares runs on the questions that both answered, pairwise by question, with the statistics of `hicra compare`.

A difference between two runs on the same questions is known far better than the two means, since an easy question is easy for
both. What it says holds for questions like these and these two runs; whether a method is better than another takes seeds.

Deviations:
STATS-9. A question is known by its text; where no row of a run has one, by the id of its row, if ids name questions in the other
    run. Of runs with steps in common only those count, and of a question in several steps the mean over the steps. The test is
    that of `stats.paired_comparison` over questions, its verdict needs 6 of them, and p values are Holm's over all comparisons
    that are printed together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from hicra import stats
from hicra.diagnose.same_question import lined_up
from hicra.errors import DataError, did_you_mean

PAIRED = (
    "hicra/accuracy", "hicra/reward", "hicra/length", "hicra/planning_share", "hicra/entropy_planning",
    "hicra/entropy_execution", "hicra/repetition", "hicra/reflection_rate",
)  # fmt: skip
NEEDED = ("step", "prompt", "id", "ids", *PAIRED)  # the columns that `pairs` reads
LEVEL = 0.05
_VERDICTS = {"better": "higher", "worse": "lower", "inconclusive": "inconclusive"}


def pairs(arms: Mapping[str, pl.DataFrame], baseline: str | None = None) -> list[dict[str, Any]]:
    """Compares every arm with one of them.

    Args:
        arms: name -> a row a prompt and step: step, prompt, id, and metrics by name, as `Prompts.values` gives them; at least 2.
        baseline: the name of the arm that the others are compared with; None for the first.

    Returns:
        A list of {arm, baseline, metric, questions (that both answered), unpaired (that one of both did), mean, baseline_mean,
        difference, difference_ci, p, p_holm, prob_improvement, verdict: higher, lower or inconclusive}, arm by arm; a metric that
        no question has in both, or that is 0 throughout, is left out, and so is the reward where it is the accuracy.

    Raises:
        DataError: there is no arm of that name.
    """
    name = next(iter(arms)) if baseline is None else arm_named(baseline, arms)
    found = [
        {"arm": arm, "baseline": name, **one}
        for arm, table in arms.items()
        if arm != name
        for one in _compared(arms[name], table)
    ]
    for one, adjusted in zip(found, stats.holm([one["p"] for one in found]), strict=True):
        one["p_holm"] = float(adjusted)
        if one["p_holm"] > LEVEL:
            one["verdict"] = "inconclusive"
    return found


def not_paired(arms: Mapping[str, pl.DataFrame], baseline: str | None = None) -> list[str]:
    """Returns why arms are not compared with the baseline at all, a sentence each; `arms` and `baseline` are as for `pairs`."""
    name = next(iter(arms)) if baseline is None else baseline
    said = []
    for arm, table in arms.items():
        why = lined_up(arms[name], table, name, arm) if arm != name else ()
        said += [f"{arm} is not compared with {name} by question: {why}"] if isinstance(why, str) else []
    return said


def arm_named(name: str, arms: Iterable[str]) -> str:
    """Returns the name; raises DataError with the nearest one where it is none of the arms."""
    if name not in arms:
        raise DataError(f"--baseline {name}: there is no such arm", did_you_mean(name, set(arms)))
    return name


def _compared(base: pl.DataFrame, other: pl.DataFrame) -> list[dict[str, Any]]:
    found = lined_up(base, other)
    return [] if isinstance(found, str) else _differences(*found)


def _differences(a: pl.DataFrame, b: pl.DataFrame) -> list[dict[str, Any]]:
    """Compares two tables with a question a row in `_key`."""
    metrics = [metric for metric in PAIRED if metric in a.columns and metric in b.columns]
    first, second = (table.group_by("_key").agg(pl.col(metrics).mean()) for table in (a, b))
    both = first.join(second, on="_key", suffix=" other").sort("_key")
    unpaired = first.height + second.height - 2 * both.height
    found: list[dict[str, Any]] = []
    for metric in metrics:
        known = both.drop_nulls([metric, f"{metric} other"])
        theirs, ours = known[metric].to_numpy(), known[f"{metric} other"].to_numpy()
        if not len(ours) or not (ours.any() or theirs.any()):
            continue
        compared = stats.paired_comparison(ours, theirs)
        ends = [compared.low, compared.high] if len(ours) > 1 else None
        one = {
            "metric": metric, "questions": len(ours), "unpaired": unpaired, "mean": float(ours.mean()),
            "baseline_mean": float(theirs.mean()), "difference": compared.difference, "difference_ci": ends,
            "p": compared.p_value, "p_holm": None, "prob_improvement": compared.prob_improvement,
            "verdict": _VERDICTS[compared.verdict],
        }  # fmt: skip
        same = metric == "hicra/reward" and found and {**one, "metric": found[0]["metric"]} == found[0]
        found += [] if same else [one]
    return found
