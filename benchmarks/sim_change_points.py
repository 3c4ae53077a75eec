"""Claim: `stats.change_points` bends at most 5 % of straight curves, and at least 85 % of its intervals hold a planted bend.

    python benchmarks/sim_change_points.py -o benchmarks/baselines/sim_change_points.json        about a minute

Curves of 20, 40, 80 and 200 points with noise whose neighbours correlate by 0, 0.5 and 0.8. Straight: a rise of 0.03 standard
deviations of the noise a point. Planted: a fall of 6 standard deviations over the first three eighths of the points, then flat.
The claim is for correlations up to 0.5 and, of straight curves, from 40 points on; the rest is measured all the same. `held` is
of the curves in which exactly one bend is found (`one_bend`). `trend_held` is how often the 95 % interval of `stats.trend` holds
the change of the straight curve.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra.stats import change_points, trend
from machine import finish, machine

POINTS, CORRELATIONS, CLAIMED = (20, 40, 80, 200), (0.0, 0.5, 0.8), 0.5
SLOPE, FALL = 0.03, 6.0


def noise(rng: np.random.Generator, n: int, correlation: float) -> NDArray[np.float64]:
    """[n] normal noise of standard deviation 1 whose neighbours correlate so."""
    values = rng.normal(size=n)
    for i in range(1, n):
        values[i] = correlation * values[i - 1] + np.sqrt(1 - correlation**2) * values[i]
    return values


def cell(n: int, correlation: float, runs: int) -> dict[str, Any]:
    """The rates for one length and one correlation."""
    rng, steps, knee = np.random.default_rng([12, n, int(10 * correlation)]), np.arange(n), int(0.375 * n)
    bent = held_trend = one = held = 0
    for _ in range(runs):
        straight = SLOPE * steps + noise(rng, n, correlation)
        bent += bool(change_points(steps, straight, resamples=2).bends)
        line = trend(steps, straight)
        held_trend += line.low <= SLOPE * (n - 1) <= line.high
        planted = change_points(steps, FALL * np.maximum(0, 1 - steps / knee) + noise(rng, n, correlation))
        if len(planted.bends) == 1:
            one += 1
            held += planted.bends[0].low <= knee <= planted.bends[0].high
    return {
        "points": n, "correlation": correlation, "false_bend": bent / runs, "one_bend": one / runs,
        "held": held / one if one else None, "trend_held": held_trend / runs,
    }  # fmt: skip


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-o", "--output", type=Path, default=None)
    options.add_argument("--runs", type=int, default=300, help="curves of each kind in a cell")
    given = options.parse_args()
    begin = time.process_time()
    cells = [cell(n, correlation, given.runs) for n in POINTS for correlation in CORRELATIONS]
    claimed = [one for one in cells if one["correlation"] <= CLAIMED]
    holds = all(
        (one["false_bend"] <= 0.05 or one["points"] < 40) and one["held"] is not None and one["held"] >= 0.85
        for one in claimed
    )
    result = {
        **machine("scipy"), "holds": holds, "runs": given.runs, "cells": cells,
        "cpu_seconds": round(time.process_time() - begin, 1),
    }  # fmt: skip
    return finish(result, given.output)


if __name__ == "__main__":
    sys.exit(main())
