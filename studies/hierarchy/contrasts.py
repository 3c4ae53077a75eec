"""Paired differences between two arms, their interval, p and Holm's p, and what the number of pairs could have seen.

Runs are paired by (warm start, seed): both runs of a pair start from the same weights and draw the same problems. A pair of which
one run is missing is left out, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from analysis import auc
from intervals import clustered_mean
from results import Cell, Results, Run, runs_of

from hicra import stats
from hicra.arrays import Floats

Figure = Callable[[Run], "float | None"]
MARGIN = 0.05  # of mean accuracy: a smaller difference between arms is none that matters here
POWER, LEVEL, LEAST = 0.8, 0.05, 6

# (treatment, baseline) of the named primary contrasts, each at both starts: Holm's p runs over all of them together.
PRIMARY = (
    ("hicra", "none"),
    ("hicra_difficulty", "none"),
    ("hicra_bonus", "none"),
    ("placebo", "none"),
    ("entropy_advantage", "none"),
    ("hicra_adaptive", "none"),
    ("hicra", "placebo"),
)


@dataclass(frozen=True)
class Estimate:
    """A mean over pairs or runs, with its interval.

    Attributes:
        name: what it is of.
        estimate, low, high, p: as of intervals.py; all None where there are too few pairs.
        p_holm: Holm's p, of primary contrasts alone.
        n, warm_starts: pairs (or runs) and warm starts.
        within, between: standard deviations inside warm starts and between them; None where they cannot be told.
        smallest: the true difference that so many pairs see in 80 % of studies (two-sided, level .05).
        needed: pairs from as many warm starts that would see a difference of the margin in 80 % of studies; None past 100,000.
        left_out: runs (of the treatment) without a partner, or without the figure.
    """

    name: str
    estimate: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int
    warm_starts: int
    within: float | None = None
    between: float | None = None
    smallest: float | None = None
    needed: int | None = None
    left_out: int = 0
    p_holm: float | None = None

    @property
    def told(self) -> bool:
        """Whether there is an interval."""
        return self.low is not None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def estimate(
    name: str, values: Sequence[float] | Floats, warm: Sequence[int], margin: float = MARGIN, left_out: int = 0
) -> Estimate:
    """Estimates a mean over pairs (or runs) from several warm starts; without an interval below 3 of them or 2 warm starts."""
    data = np.asarray(values, np.float64)
    starts = len(set(warm))
    if len(data) < 3 or starts < 2:
        middle = float(data.mean()) if len(data) else None
        return Estimate(name, middle, None, None, None, len(data), starts, left_out=left_out)
    found = clustered_mean(data, warm)
    spread = found.error * float(np.sqrt(found.n))  # of independent pairs that would give the same interval
    total = float(data.std(ddof=1))
    return Estimate(
        name, found.mean, found.low, found.high, found.p, found.n, found.clusters, found.within, found.between,
        smallest=stats.smallest_gap(spread, found.n, LEVEL, POWER),
        needed=stats.seeds_needed(margin, total, LEAST, LEVEL, POWER),
        left_out=left_out,
    )  # fmt: skip


def pairs(results: Results, treatment: Cell, baseline: Cell, figure: Figure = auc) -> tuple[Floats, list[int], int]:
    """Returns the differences [N], their warm starts [N], and how many runs of the treatment have no partner or no figure."""
    ours, theirs = runs_of(results, treatment), runs_of(results, baseline)
    differences, warm, lost = [], [], 0
    for key in ours:
        a, b = (figure(side[key]) if key in side else None for side in (ours, theirs))
        if a is None or b is None:
            lost += 1
            continue
        differences.append(a - b)
        warm.append(key[0])
    return np.array(differences), warm, lost


def contrast(
    results: Results, treatment: Cell, baseline: Cell, figure: Figure = auc, name: str = "", margin: float = MARGIN
) -> Estimate | None:
    """Estimates treatment minus baseline; None where either arm was not run."""
    if not runs_of(results, treatment) or not runs_of(results, baseline):
        return None
    differences, warm, lost = pairs(results, treatment, baseline, figure)
    return estimate(name or f"{treatment.arm} - {baseline.arm}, {treatment.start}", differences, warm, margin, lost)


def mean_over_runs(results: Results, cell: Cell, figure: Figure, name: str, margin: float = MARGIN) -> Estimate | None:
    """Estimates the mean of a figure over the runs of an arm; None where the arm was not run."""
    found = [(key[0], figure(run)) for key, run in runs_of(results, cell).items()]
    kept = [(warm, value) for warm, value in found if value is not None]
    if not found:
        return None
    return estimate(name, [value for _, value in kept], [warm for warm, _ in kept], margin, len(found) - len(kept))


@lru_cache(maxsize=8)
def primary_contrasts(results: Results) -> dict[tuple[str, str, str], Estimate]:
    """Estimates the primary contrasts that were run, with Holm's p over all of them, by (treatment, baseline, start)."""
    found: dict[tuple[str, str, str], Estimate] = {}
    for start in ("strong", "weak"):
        for treatment, baseline in PRIMARY:
            one = contrast(results, Cell(treatment, start), Cell(baseline, start))
            if one is not None and one.told:
                found[treatment, baseline, start] = one
    adjusted = stats.holm([one.p for one in found.values() if one.p is not None])
    return {key: replace(one, p_holm=float(p)) for (key, one), p in zip(found.items(), adjusted, strict=True)}
