"""The interval and the p of a mean paired difference, where the pairs come from a few warm starts.

Pair i of warm start k has the difference d_ki = mu + b_k + e_ki: b_k is what the warm start adds, with standard deviation tau,
and e_ki is the rest, with sigma. The question is mu, over warm starts like these. An interval that takes all pairs as independent
is too narrow where tau is not 0; a t interval over the means of four warm starts is honest and wide, since it has to learn tau
from four numbers alone. So tau / sigma gets a prior here: half-Cauchy with scale `PRIOR`, half of it below that scale, with a
tail that lets warm starts differ as much as they please. mu and log sigma have flat priors. For a given ratio mu is then
Student's t with N - 1 degrees of freedom, and the posterior is the mixture of these over a grid of ratios, weighed by how well
each fits. With one pair a warm start it is Student's interval exactly.

What it covers, for ratios from 0 to 2 and noise that is not normal, is measured by coverage.py.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from hicra.arrays import Floats
from hicra.errors import DataError
from hicra.stats.paired import check_confidence

PRIOR = 0.4
_RATIOS = np.geomspace(0.02, 60.0, 60)  # of tau to sigma
_HALVINGS = 60


@dataclass(frozen=True)
class ClusteredMean:
    """A mean paired difference over warm starts and seeds.

    Attributes:
        mean: the estimate; with as many pairs at each warm start it is the plain mean.
        low, high: the interval.
        p: two-sided, the chance that goes with the interval: p < 0.05 exactly where 0 lies outside the 95 % interval.
        within: standard deviation of the differences inside warm starts; None with one pair a warm start.
        between: standard deviation of the warm starts' means beyond what `within` explains, 0 where there is none; None as above.
        error: half of the interval over Student's quantile for N - 1 degrees of freedom: the standard error that matches it.
        n, clusters: number of pairs and of warm starts.
    """

    mean: float
    low: float
    high: float
    p: float
    within: float | None
    between: float | None
    error: float
    n: int
    clusters: int


def clustered_mean(differences: Floats, clusters: Sequence[Hashable], confidence: float = 0.95) -> ClusteredMean:
    """Computes the mean of paired differences with the interval that the registration names as primary.

    Args:
        differences: [N] treatment minus baseline, one a pair, N >= 3.
        clusters: [N] the warm start of each pair; at least two different ones.
        confidence: of the interval, in (0, 1).

    Raises:
        DataError: (a ValueError) too few pairs or warm starts, unequal lengths, or a difference that is not finite.
        ConfigError: (a ValueError) confidence lies outside (0, 1).
    """
    check_confidence(confidence)
    values = np.asarray(differences, np.float64)
    if values.ndim != 1 or len(values) != len(clusters):
        raise DataError(
            f"{values.shape} differences and {len(clusters)} warm starts", "give the warm start of each pair"
        )
    if not np.isfinite(values).all():
        raise DataError("a difference is not finite", "leave that pair out of both arms, and report that you did")
    names = sorted(set(clusters), key=str)
    if len(values) < 3 or len(names) < 2:
        raise DataError(
            f"{len(values)} pairs from {len(names)} warm starts have no interval over warm starts",
            "give at least three pairs from at least two warm starts",
        )
    groups = [values[[cluster == name for cluster in clusters]] for name in names]
    sizes = np.array([len(group) for group in groups], np.float64)
    means = np.array([group.mean() for group in groups])
    rest = float(sum(((group - group.mean()) ** 2).sum() for group in groups))
    if rest <= 0 and np.ptp(means) <= 0:  # all differences are equal: nothing is left to estimate
        level = float(values[0])
        return ClusteredMean(level, level, level, float(level == 0), 0.0, 0.0, 0.0, len(values), len(names))
    mixture = mixture_of(means[None], sizes, np.array([rest]))
    tail = (1 - confidence) / 2
    low, high = (float(quantile(mixture, chance)[0]) for chance in (tail, 1 - tail))
    below = float(chance_below(mixture, np.zeros(1))[0])
    freedom = len(values) - len(names)
    within = between = None
    if freedom > 0:
        within = float(np.sqrt(rest / freedom))
        size = (len(values) - (sizes**2).sum() / len(values)) / (len(names) - 1)
        spread = float((sizes * (means - values.mean()) ** 2).sum()) / (len(names) - 1)
        between = float(np.sqrt(max(0.0, (spread - within**2) / size)))
    weights, centres, _, _ = mixture
    half = (high - low) / 2
    return ClusteredMean(
        float((weights * centres).sum()), low, high, min(1.0, 2 * min(below, 1 - below)), within, between,
        half / student_quantile(len(values) - 1, confidence), len(values), len(names),
    )  # fmt: skip


Mixture = tuple[Floats, Floats, Floats, int]


def mixture_of(means: Floats, sizes: Floats, rest: Floats, prior: float = PRIOR) -> Mixture:
    """Computes the posterior of mu of S experiments as mixtures of t variables.

    Args:
        means: [S,K] mean difference at each warm start.
        sizes: [K] pairs at each warm start.
        rest: [S] sum of squares inside warm starts.
        prior: scale of the half-Cauchy prior of tau / sigma.

    Returns:
        (weights [S,L] that sum to 1, centres [S,L], scales [S,L], degrees of freedom).
    """
    ratios = _RATIOS
    freedom = int(sizes.sum()) - 1
    precision = sizes / (1 + sizes * ratios[:, None] ** 2)  # [L,K], in units of 1 / sigma^2
    total = precision.sum(axis=1)
    centres = means @ precision.T / total
    squares = rest[:, None] + np.einsum("lk,slk->sl", precision, (means[:, None, :] - centres[:, :, None]) ** 2)
    fit = (
        np.log(ratios)  # the grid is even in the logarithm of the ratio
        - np.log1p((ratios / prior) ** 2)
        + 0.5 * np.log(precision / sizes).sum(axis=1)
        - 0.5 * np.log(total)
        - freedom / 2 * np.log(squares)
    )
    weights = np.exp(fit - fit.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True), centres, np.sqrt(squares / freedom / total), freedom


def chance_below(mixture: Mixture, at: Floats) -> Floats:
    """Returns the chance [S] that mu lies below `at` [S]."""
    weights, centres, scales, freedom = mixture
    chances: Floats = (weights * stdtr(freedom, (at[:, None] - centres) / scales)).sum(axis=1)
    return chances


def quantile(mixture: Mixture, chance: float) -> Floats:
    """Finds the value [S] that mu lies below with this chance, by bisection."""
    _, centres, scales, _ = mixture
    low, high = (centres - 1e3 * scales).min(axis=1), (centres + 1e3 * scales).max(axis=1)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = chance_below(mixture, middle) < chance
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    middle_of: Floats = (low + high) / 2
    return middle_of


def student_quantile(freedom: int, confidence: float) -> float:
    """Returns how many standard errors Student's interval reaches."""
    return float(stdtrit(freedom, (1 + confidence) / 2))


def percentile_interval(
    differences: Floats, clusters: Sequence[Hashable], resamples: int = 4000, seed: int = 0
) -> tuple[float, float]:
    """Draws warm starts again, then pairs inside each, and returns the 95 % percentile interval of the mean of their means.

    It is no basis of a verdict, since with few warm starts it covers too little (coverage.py).
    """
    names = sorted(set(clusters), key=str)
    groups = [np.asarray(differences)[[cluster == name for cluster in clusters]] for name in names]
    rng = np.random.default_rng(seed)
    means = np.stack(
        [group[rng.integers(0, len(group), (resamples, len(names), len(group)))].mean(axis=2) for group in groups]
    )  # [K, resamples, K]: a fresh redraw of each warm start for each place that it may take
    chosen = rng.integers(0, len(names), (resamples, len(names)))
    drawn = means[chosen, np.arange(resamples)[:, None], np.arange(len(names))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
