"""Arithmetic on curves with gaps: means, smoothing, ratios, and the band of a curve that was measured with intervals.

Deviations (the paper draws raw curves faint and smoothed ones bold, section 3 and figure 3, and says no more):
REPORT-1. Smoothing is a centred mean over about an eighth of the steps; curves of fewer than 12 steps are not smoothed.
REPORT-3. A ratio divides the values of a run by its own first value (the paper divides by the value at step 0).
REPORT-8. The band of an arm with three or more seeds is Student's 95 % interval of the mean over seeds, of the curves as they
    are smoothed. The band of a single diagnosed run has the intervals over the prompts of each step, their ends smoothed like
    the line, so that it is as wide as that of a single step; a ratio has no such band, since its first value is uncertain, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hicra.stats.paired import t_interval

Values = tuple[float | None, ...]
LEAST_SEEDS = 3  # with two, Student's interval is 12.7 standard errors wide on each side


def average(values: Sequence[float | None]) -> float | None:
    """Averages the values that are not None; None if there are none."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def smooth(values: Values) -> Values:
    """Takes the centred mean over about an eighth of the points (REPORT-1); gaps stay gaps, and windows shrink at the ends.

    >>> smooth((1.0, None, 3.0))
    (1.0, None, 3.0)
    """
    if len(values) < 12:
        return values
    half = max(1, len(values) // 16)
    out: list[float | None] = []
    for i, value in enumerate(values):
        reach = min(half, i, len(values) - 1 - i)
        out.append(None if value is None else average(values[i - reach : i + reach + 1]))
    return tuple(out)


def relative(values: Values) -> Values:
    """Divides values by the first one that is not None (REPORT-3); all are None if that one is 0."""
    first = next((value for value in values if value is not None), None)
    return tuple(None if value is None or not first else value / first for value in values)


def band_of_seeds(curves: Sequence[Values]) -> tuple[Values, Values]:
    """Returns the lower and the upper end of the band of an arm (REPORT-8); both are empty with fewer than three seeds.

    An end is None where fewer than three of the curves have a value.

    >>> band_of_seeds([(1.0,), (2.0,)])
    ((), ())
    """
    if len(curves) < LEAST_SEEDS:
        return (), ()
    ends: list[tuple[float | None, float | None]] = []
    for column in zip(*map(smooth, curves), strict=True):
        there = np.array([value for value in column if value is not None])
        ends.append(t_interval(there) if len(there) >= LEAST_SEEDS else (None, None))
    return _two(ends)


def band_of_intervals(ends: Sequence[tuple[float, float] | None]) -> tuple[Values, Values]:
    """Returns the ends of the band of one run from the interval of each point (REPORT-8); both are empty where none is known."""
    if not any(ends):
        return (), ()
    low, high = _two([one or (None, None) for one in ends])
    return smooth(low), smooth(high)


def _two(ends: Sequence[tuple[float | None, float | None]]) -> tuple[Values, Values]:
    return tuple(low for low, _ in ends), tuple(high for _, high in ends)
