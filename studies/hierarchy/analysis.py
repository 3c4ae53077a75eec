"""Figures of one run: the area under its accuracy, how its curves change, when they do, and its phases.

Deviations (choices of this study, fixed before its runs):
- The start of a curve is the mean over its first tenth of steps, the end that over its last tenth (at least one step each).
- A change is half done at the first step at which the running mean of `SMOOTH` steps has come half of the way from the start
  to the end.
- Steps at which a figure is undefined (null) are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from results import Run

from hicra import stats
from hicra.arrays import Floats
from hicra.errors import DataError

SMOOTH = 10


def auc(run: Run) -> float:
    """Computes the area under held-out accuracy by the trapezoid rule over the evaluated steps, over their span; in [0, 1]."""
    return area(run["evals"]["step"], run["evals"]["accuracy"])


def area(steps: Any, values: Any) -> float:
    """Computes the trapezoid rule over ascending steps [N], divided by their span.

    >>> area([0, 10, 30], [0.2, 0.4, 0.6])  # (10 x .3 + 20 x .5) / 30
    0.43333333333333335
    """
    x, y = np.asarray(steps, np.float64), np.asarray(values, np.float64)
    return float(((y[1:] + y[:-1]) / 2 * np.diff(x)).sum() / (x[-1] - x[0]))


def has(run: Run, name: str) -> bool:
    """Says whether a run has any value of a curve."""
    return any(value is not None for value in run["curves"].get(name, ()))


def curve(run: Run, name: str) -> tuple[Floats, Floats]:
    """Returns steps and values [N] of a curve of a run, without the steps that have none; steps count from 1."""
    values = run["curves"].get(name, ())
    kept = [(step, value) for step, value in enumerate(values, 1) if value is not None]
    if not kept:
        raise DataError(f"the run {label(run)} has no curve {name}", f"it has {', '.join(sorted(run['curves']))}")
    return np.array([step for step, _ in kept], np.float64), np.array([value for _, value in kept], np.float64)


def token_entropy(run: Run) -> Floats:
    """Computes the mean entropy of all policy tokens at each step [N], from those of the two kinds and the planning share."""
    names = ("planning_share", "entropy_planning", "entropy_execution")
    share, planning, execution = (np.array(run["curves"][name], np.float64) for name in names)
    return np.asarray(share * planning + (1 - share) * execution)


def ends(values: Floats) -> tuple[float, float]:
    """Returns the means over the first and over the last tenth of values [N], at least one value each.

    >>> ends(np.arange(20.0))
    (0.5, 18.5)
    """
    tenth = max(1, len(values) // 10)
    return float(values[:tenth].mean()), float(values[-tenth:].mean())


def change(values: Floats) -> float:
    """Returns end minus start."""
    first, last = ends(values)
    return last - first


def running_mean(values: Floats) -> Floats:
    """Returns the mean over each value and up to `SMOOTH` - 1 before it, [N]."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    last = np.arange(1, len(values) + 1)
    first = np.maximum(0, last - SMOOTH)
    means: Floats = (sums[last] - sums[first]) / (last - first)
    return means


def half_time(steps: Floats, values: Floats) -> float:
    """Returns the first step at which the running mean has come half of the way from start to end.

    >>> half_time(np.arange(1.0, 41.0), np.repeat([0.0, 1.0], 20))  # at step 25 five of ten points are 1
    25.0
    """
    smooth = running_mean(values)
    start, end = ends(values)
    way = (smooth - start) / (end - start) if end != start else np.ones(len(values))
    return float(steps[int(np.argmax(way >= 0.5 - 1e-12))])


def onset(steps: Floats, counts: Floats, threshold: float) -> float | None:
    """Returns the first step whose count passes a threshold (is above it), or None where none does."""
    above = np.flatnonzero(counts > threshold)
    return float(steps[above[0]]) if len(above) else None


def phases(run: Run, name: str) -> stats.Changes:
    """Cuts a curve into straight pieces where it bends (hicra.stats.change_points)."""
    return stats.change_points(*curve(run, name))


def label(run: Run) -> str:
    """Names a run for a message."""
    return f"{run['part']}/{run['arm']}/{run['start']} (warm start {run['warm']}, seed {run['seed']})"
