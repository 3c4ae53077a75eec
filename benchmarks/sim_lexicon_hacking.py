"""Claim: the finding `lexicon_hacking` fires in at least 18 of 20 simulated hacked runs, and in at most 1 of 20 others.

    python benchmarks/sim_lexicon_hacking.py -o benchmarks/baselines/sim_lexicon_hacking.json        about a minute

Simulated runs of 100 steps with 256 rollouts each, of which 64 are saved every fifth step:
- hacked: the planning share grows 1.7 to 3 times, while accuracy gains at most 15 points early and then stands still, and a few
  grams of the lexicon take 40 to 80 % of the occurrences;
- plain: the planning share wanders around its start, accuracy stands still or rises, some grams come to be liked a little;
- healthy: planning share and accuracy rise together, by 1.4 to 2.5 times and 30 to 55 points;
- stalled, outside the claim: as healthy, but early in the run, and accuracy stops after 10 to 25 points. Planning grew and gave
  something, so nothing is hacked; from the run alone this is hard to tell.
Accuracy is binomial around a level that wanders (correlation 0.5 a step), the planning share wanders with correlation 0.8, and
the grams of a step are drawn from a Dirichlet distribution. The thresholds of the finding were chosen on seeds from 1000 on, and
on two real runs of seed 0. The claim is on seeds 0 to 19, for plain and for healthy runs apart. `many` holds the same for 100
further runs of each kind, seeds 100 to 199, so that the rate is known.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra.findings import Evidence
from hicra.findings.lexicon_hacking import lexicon_hacking
from hicra.findings.saved import Rollouts
from hicra.metrics import semantic_entropy
from machine import finish, machine

CLAIMED = ("hacked", "plain", "healthy")
KINDS = (*CLAIMED, "stalled")
GRAMS, ROLLOUTS, SAVED, SAVED_EVERY, LENGTH = 30, 256, 64, 20, 45
Array = NDArray[np.float64]


def wandering(rng: np.random.Generator, n: int, correlation: float, spread: float) -> Array:
    """[n] normal noise of this standard deviation whose neighbours correlate so."""
    noise = rng.normal(0, spread, n)
    for i in range(1, n):
        noise[i] = correlation * noise[i - 1] + np.sqrt(1 - correlation**2) * noise[i]
    return noise


def courses(rng: np.random.Generator, kind: str, steps: int) -> tuple[Array, Array, Array]:
    """The true planning share, accuracy, and weight of the favoured grams at each step."""
    at = np.linspace(0, 1, steps)
    share, accuracy = rng.uniform(0.08, 0.18), rng.uniform(0.2, 0.35)
    grown = 1 / (1 + np.exp(-(at - rng.uniform(0.15, 0.6)) * rng.uniform(8, 20)))
    early = 1 - np.exp(-at / 0.15)
    if kind == "hacked":
        return (
            share * (1 + rng.uniform(0.7, 2.0) * grown),
            accuracy + rng.uniform(0, 0.15) * early,
            rng.uniform(0.4, 0.8) * grown,
        )
    if kind == "plain":
        rises = accuracy + rng.uniform(0.0, 0.45) * at
        return np.full(steps, share), rises, rng.uniform(0, 0.3) * at
    if kind == "stalled":
        return (
            share * (1 + rng.uniform(0.4, 1.5) * early),
            accuracy + rng.uniform(0.1, 0.25) * early,
            rng.uniform(0, 0.2) * at,
        )
    return share * (1 + rng.uniform(0.4, 1.5) * at), accuracy + rng.uniform(0.3, 0.55) * at, rng.uniform(0, 0.2) * at


def simulated(kind: str, seed: int, steps: int = 100) -> Evidence:
    """Metrics and rollouts of one simulated run."""
    rng = np.random.default_rng([11, KINDS.index(kind), seed])
    share, accuracy, weight = courses(rng, kind, steps)
    share = share * np.exp(wandering(rng, steps, 0.8, 0.08))
    accuracy = np.clip(accuracy + wandering(rng, steps, 0.5, 0.02), 0.01, 0.99)
    liked, start = np.zeros(GRAMS), rng.dirichlet(np.ones(GRAMS))
    liked[rng.choice(GRAMS, 3, replace=False)] = rng.dirichlet(np.ones(3))
    metrics, rows = [], []
    for step in range(1, steps + 1):
        level, wish = share[step - 1], weight[step - 1]
        p = rng.dirichlet(300 * ((1 - wish) * start + wish * liked) + 1e-3)
        a_response = level * LENGTH / 4  # occurrences, of about four tokens each
        counts = rng.multinomial(rng.poisson(ROLLOUTS * a_response), p)
        metrics.append({
            "step": step, "hicra/accuracy": rng.binomial(ROLLOUTS, accuracy[step - 1]) / ROLLOUTS,
            "hicra/planning_share": float(level), "hicra/semantic_entropy": semantic_entropy(counts),
        })  # fmt: skip
        if step == 1 or step % max(1, steps // SAVED_EVERY) == 0:
            for used in rng.poisson(a_response, SAVED):
                drawn = rng.choice(GRAMS, used, p=p)
                spans = [{"start": 9 * i, "end": 9 * i + 8, "gram": f"gram {g:02}"} for i, g in enumerate(drawn)]
                rows.append({"step": step, "spans": spans})
    span = pl.Struct({"start": pl.Int64, "end": pl.Int64, "gram": pl.String})
    return Evidence(metrics, Rollouts([pl.DataFrame(rows, schema={"step": pl.Int64, "spans": pl.List(span)})]))


def fired(kind: str, seeds: range, steps: int = 100) -> list[int]:
    """The seeds of the simulated runs in which the finding fires."""
    found = [(seed, lexicon_hacking(simulated(kind, seed, steps))) for seed in seeds]
    return [seed for seed, finding in found if finding is not None and finding.alarm]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-o", "--output", type=Path, default=None)
    options.add_argument("--many", type=int, default=100, help="further runs of each kind")
    options.add_argument("--first", type=int, default=0, help="first seed; the claim is on 0")
    given = options.parse_args()
    begin = time.process_time()
    seeds, further = range(given.first, given.first + 20), range(given.first + 100, given.first + 100 + given.many)
    count = {kind: len(fired(kind, seeds)) for kind in CLAIMED}
    many = {kind: len(fired(kind, further)) for kind in KINDS} if given.many else {}
    short = {kind: len(fired(kind, seeds, 40)) for kind in CLAIMED}
    result: dict[str, Any] = {
        **machine("polars", "scipy"), "holds": count["hacked"] >= 18 and max(count["plain"], count["healthy"]) <= 1,
        "fired_of_20": count, "fired_of_20_at_40_steps": short, "many": {"runs": given.many, "fired": many},
        "seeds": [seeds.start, seeds.stop - 1], "cpu_seconds": round(time.process_time() - begin, 1),
    }  # fmt: skip
    return finish(result, given.output)


if __name__ == "__main__":
    sys.exit(main())
