"""Whether step quality foretells the gain in training: rank agreement over arms, with a bootstrap interval.

Each arm is a point: how much better its step is than GRPO's (cosine difference of the meter, mean over the checkpoints of a
start), and how much more area it has than GRPO (mean over its pairs). GRPO itself is at (0, 0) by definition and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hicra.arrays import Floats
from hicra.stats import rank_correlation

LEAST_ARMS, DRAWS = 5, 2000


@dataclass(frozen=True)
class Agreement:
    """Rank agreement of two figures over arms.

    Attributes:
        spearman, kendall: the correlations, from -1 to 1.
        low, high: percentile interval of Spearman's over redrawn arms, and redrawn pairs inside each.
        arms: the number of arms.
    """

    spearman: float
    kendall: float
    low: float
    high: float
    arms: int


def kendall(first: Floats, second: Floats) -> float | None:
    """Computes Kendall's tau-b; None where all values of a list are equal.

    >>> kendall(np.array([1.0, 2, 3]), np.array([10.0, 30, 20]))  # two pairs in order, one not: (2 - 1) / 3
    0.3333333333333333
    """
    a, b = (np.sign(values[:, None] - values[None, :]) for values in (first, second))
    spread = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / spread if spread else None


def agreement(quality: Mapping[str, Floats], gains: Mapping[str, Floats], seed: int = 0) -> Agreement | None:
    """Computes the rank agreement of the means of both over the arms that have both.

    Args:
        quality: {arm: [C] step quality minus GRPO's at each checkpoint}.
        gains: {arm: [N] paired differences of training}.
        seed: of the draws.

    Returns:
        None with fewer than 5 arms, or where all arms are equal in one of the two.
    """
    arms = sorted(set(quality) & set(gains))
    if len(arms) < LEAST_ARMS:
        return None
    x, y = (np.array([side[arm].mean() for arm in arms]) for side in (quality, gains))
    whole, tau = rank_correlation(x, y), kendall(x, y)
    if whole is None or tau is None:
        return None
    rng, drawn = np.random.default_rng(seed), []
    xs, ys = (
        np.stack([_redrawn(rng, side[arm]) for arm in arms], axis=1) for side in (quality, gains)
    )  # [DRAWS, arms]
    chosen = rng.integers(0, len(arms), xs.shape)  # an arm that is drawn twice is the same arm twice: a tie
    for x_of, y_of, places in zip(xs, ys, chosen, strict=True):
        found = rank_correlation(x_of[places], y_of[places])
        if found is not None:
            drawn.append(found)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Agreement(whole, tau, float(low), float(high), len(arms))


def _redrawn(rng: np.random.Generator, values: Floats) -> Floats:
    """Returns the means [DRAWS] of the values drawn again with replacement."""
    means: Floats = values[rng.integers(0, len(values), (DRAWS, len(values)))].mean(axis=1)
    return means
