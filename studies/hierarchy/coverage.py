"""Which interval of a paired difference is honest with a few warm starts, and what it costs.

    python studies/hierarchy/coverage.py            about a minute; writes coverage.json beside it

Experiments are drawn with K warm starts of n pairs each: the difference of a pair is mu + b + e, where b belongs to the warm
start (standard deviation tau) and e to the pair (sigma .10). tau runs from 0 to .20, four times what the pilots make plausible.
The noise is normal, or "late rises": one pair in five loses .2, as where one arm is still below its rise, scaled to the same
sigma.

For each interval: the share of experiments in which it holds mu, its mean half width, and how often it sees a true difference of
.06 and of .08. Intervals: `bootstrap` (percentile, warm starts and then seeds are drawn again), `pooled t` (all pairs as
independent), `few-cluster t` (over the means of the warm starts), `mixed model` (variance between warm starts by analysis of
variance, pooled where that is below 0), `prior on the ratio` (intervals.py). `sign flips` has no interval: what is counted is how
often it does not reject mu at .05, with the pairs' signs as exchangeable.

What follows (figures of coverage.json, normal noise; tau 0 to .05 where nothing else is said):
- With 4 warm starts of 6 pairs the bootstrap covers .92 to .95, the pooled t .84 to .93, the few-cluster t .93 to .96 at a half
  width of .060 to .093, the prior on the ratio (half-Cauchy, scale 0.4) .96 to .98 at .056 to .072. With 4 of 3: the bootstrap
  .90 to .96, the prior .95 to .985. So the prior on the ratio is the primary interval. Where warm starts differ more than is
  plausible (tau .20) it covers .90, the bootstrap .81, the pooled t .54.
- The sign flips by pairs reject a true null in up to 15 % of experiments (4 warm starts of 6, tau .05): they test that no warm
  start shows a difference, and not that the mean difference is 0. Flips of whole warm starts cannot go below p = 2 / 2^4. So the
  p for Holm is the one that goes with the primary interval, which rejects in 1 to 5 % at level .05.
- More warm starts are better than any interval: one pair from each of 24 has a half width of .042 to .047 and covers .95
  whatever tau is, with Student's interval alone, and the sign flips are valid again. Eight of 3 come close.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from intervals import PRIOR, chance_below, mixture_of, quantile, student_quantile

from hicra.arrays import Floats
from hicra.artifacts import canonical_json, write_text

SIGMA, TAUS, GAPS = 0.10, (0.0, 0.025, 0.05, 0.10, 0.20), (0.06, 0.08)
DESIGNS = ((4, 6), (8, 3), (24, 1), (4, 3), (12, 1))
NOISES = {"normal": TAUS, "late rises": (0.0, 0.05)}
EXPERIMENTS, RESAMPLES, LEVEL = 1000, 299, 0.05
MEASURED = 100  # experiments whose half width is measured, where that is slow
PRIORS = (0.2, PRIOR)


def noise(rng: np.random.Generator, shape: tuple[int, int, int], kind: str) -> Floats:
    """Draws what belongs to the pairs, with mean 0 and standard deviation SIGMA."""
    drawn = rng.normal(0, 1, shape)
    if kind == "late rises":
        late = rng.random(shape) < 0.2
        drawn = 0.6 * drawn - 2.0 * (late - 0.2)  # variance .36 + 4 x .16 = 1
    return SIGMA * drawn


def percentile_bootstrap(rng: np.random.Generator, data: Floats) -> tuple[Floats, Floats]:
    """Draws warm starts again, then seeds inside each, and returns the percentile interval of the mean, [S] and [S]."""
    _, starts, seeds = data.shape
    chosen = rng.integers(0, starts, (RESAMPLES, starts, 1))
    inside = rng.integers(0, seeds, (RESAMPLES, starts, seeds))
    cell = (chosen * seeds + inside).reshape(RESAMPLES, -1)
    counts = np.stack([np.bincount(row, minlength=starts * seeds) for row in cell]) / (starts * seeds)
    drawn = data.reshape(len(data), -1) @ counts.T
    low, high = np.quantile(drawn, [LEVEL / 2, 1 - LEVEL / 2], axis=1)
    return low, high


def sign_flips(rng: np.random.Generator, data: Floats) -> Floats:
    """Returns p [S] of the sign-flip test by pairs, from one set of RESAMPLES drawn patterns."""
    flat = data.reshape(len(data), -1)
    signs = rng.choice([-1.0, 1.0], (RESAMPLES, flat.shape[1]))
    hits = (np.abs(flat @ signs.T) >= np.abs(flat.sum(axis=1, keepdims=True)) - 1e-12).sum(axis=1)
    return np.asarray((hits + 1) / (RESAMPLES + 1))


def around(mean: Floats, variance: Floats, freedom: Floats) -> tuple[Floats, Floats]:
    """Student's interval [S] around means, for a number of degrees of freedom a row."""
    reach = np.array([student_quantile(int(each), 1 - LEVEL) for each in freedom]) * np.sqrt(variance)
    return mean - reach, mean + reach


def intervals(rng: np.random.Generator, data: Floats) -> dict[str, tuple[Floats, Floats]]:
    """All intervals of S experiments [S,K,n]."""
    count, starts, seeds = data.shape
    pairs = starts * seeds
    mean, means = data.mean(axis=(1, 2)), data.mean(axis=2)
    rest = ((data - means[:, :, None]) ** 2).sum(axis=(1, 2))
    across = seeds * ((means - mean[:, None]) ** 2).sum(axis=1)
    pooled = (rest + across) / (pairs - 1)
    clustered = across / (starts - 1)
    inner = rest / (pairs - starts) if seeds > 1 else clustered
    apart = clustered > inner
    full = np.full(count, pairs - 1)
    found = {
        "bootstrap": percentile_bootstrap(rng, data),
        "pooled t": around(mean, pooled / pairs, full),
        "few-cluster t": around(mean, clustered / pairs, np.full(count, starts - 1)),
        "mixed model": around(mean, np.where(apart, clustered, pooled) / pairs, np.where(apart, starts - 1, pairs - 1)),
    }
    return found


def prior_on_the_ratio(data: Floats, prior: float) -> dict[str, Any]:
    """Coverage, half width and power of the interval of intervals.py, from the chances that go with it."""
    means, (_, starts, seeds) = data.mean(axis=2), data.shape
    rest = ((data - means[:, :, None]) ** 2).sum(axis=(1, 2))
    mixture = mixture_of(means, np.full(starts, float(seeds)), rest, prior)

    def below(at: float) -> Floats:
        return chance_below(mixture, np.full(len(data), at))

    weights, centres, scales, freedom = mixture
    some = (weights[:MEASURED], centres[:MEASURED], scales[:MEASURED], freedom)
    width = quantile(some, 1 - LEVEL / 2) - quantile(some, LEVEL / 2)
    return {
        "coverage": float((np.abs(below(0.0) - 0.5) <= 0.5 - LEVEL / 2).mean()),
        "half_width": float(width.mean() / 2),
        "power": {str(gap): float((below(-gap) < LEVEL / 2).mean()) for gap in GAPS},
    }


def study(starts: int, seeds: int, tau: float, kind: str, index: int) -> dict[str, Any]:
    """One design at one tau: every interval's coverage, half width and power."""
    rng = np.random.default_rng([12, index])
    data = rng.normal(0, tau, (EXPERIMENTS, starts, 1)) + noise(rng, (EXPERIMENTS, starts, seeds), kind)
    rows = {}
    for name, (low, high) in intervals(rng, data).items():
        rows[name] = {
            "coverage": float(((low <= 0) & (high >= 0)).mean()),
            "half_width": float((high - low).mean() / 2),
            "power": {str(gap): float((low + gap > 0).mean()) for gap in GAPS},
        }
    for prior in PRIORS:
        name = "prior on the ratio" + ("" if prior == PRIOR else f", scale {prior}")
        rows[name] = prior_on_the_ratio(data, prior)
    rows["sign flips"] = {
        "coverage": float((sign_flips(rng, data) > LEVEL).mean()),
        "half_width": None,
        "power": {str(gap): float((sign_flips(rng, data + gap) <= LEVEL).mean()) for gap in GAPS},
    }
    return {"warm_starts": starts, "pairs_each": seeds, "tau": tau, "noise": kind, "methods": rows}


def strict_levels() -> list[dict[str, Any]]:
    """How often the p of intervals.py falls below the levels that Holm uses, where there is no difference."""
    rows = []
    for index, (starts, seeds) in enumerate(((4, 6), (4, 3))):
        for tau in (0.0, 0.05):
            rng = np.random.default_rng([13, index, int(100 * tau)])
            shape = (5 * EXPERIMENTS, starts, seeds)
            data = rng.normal(0, tau, (5 * EXPERIMENTS, starts, 1)) + noise(rng, shape, "normal")
            means = data.mean(axis=2)
            rest = ((data - means[:, :, None]) ** 2).sum(axis=(1, 2))
            below = chance_below(mixture_of(means, np.full(starts, float(seeds)), rest), np.zeros(len(data)))
            p = 2 * np.minimum(below, 1 - below)
            rejected = {str(level): float((p <= level).mean()) for level in (0.05, 0.01, 0.05 / 6)}
            rows.append({"warm_starts": starts, "pairs_each": seeds, "tau": tau, "rejected": rejected})
    return rows


def main() -> None:
    cases = [(design, tau, kind) for kind, taus in NOISES.items() for design in DESIGNS for tau in taus]
    rows = [study(*design, tau, kind, index) for index, (design, tau, kind) in enumerate(cases)]
    for row in rows:
        print(*(row[key] for key in ("warm_starts", "pairs_each", "tau", "noise")))
        for name, found in row["methods"].items():
            width = found["half_width"]
            print(f"    {name:32}{found['coverage']:.3f}  {width or 0:.3f}  {found['power']}")
    written = {"sigma": SIGMA, "experiments": EXPERIMENTS, "resamples": RESAMPLES, "level": LEVEL, "rows": rows}
    written["size_of_p"] = strict_levels()
    print(json.dumps(written["size_of_p"]))
    write_text(HERE / "coverage.json", canonical_json(written, indent=1))


if __name__ == "__main__":
    main()
