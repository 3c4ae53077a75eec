"""Optimism: the bonus of UCBVI, and values that are too large rather than too small.

Azar, Osband and Munos 2017, arXiv:1703.05449, in the form with Hoeffding's bound.

    b(n) = sqrt(L / (2 n)),   L = ln(2 P H K / delta)

for P state-action pairs whose kernel is learned, H steps and K episodes: by Hoeffding's inequality the mean of n draws of a value
in [0, 1] lies within b of its expectation, for all pairs, steps and counts up to K at once with the chance 1 - delta. Then the
values are at least the optimal ones. A pair that is tried more than once an episode can pass K draws; of such counts nothing is
promised.

Deviations (of arXiv:1703.05449, on which arXiv:2110.09507 builds):
EXITS-4. The bonus is the one that optimism needs, with values in [0, 1]; the constants 7 H L of the publication's proof are left
    out. `scale` makes it smaller or larger, for all learners alike.
EXITS-5. Among actions of equal optimistic value the one that was taken least is taken.
"""

from __future__ import annotations

import math

import numpy as np

from hicra.arrays import Bools, Floats, Ints
from hicra.errors import ConfigError

_EQUAL = 1e-12


def log_term(pairs: int, horizon: int, episodes: int, delta: float = 0.1) -> float:
    """Computes L = ln(2 P H K / delta).

    Raises:
        ConfigError: delta lies outside (0, 1), or a number is below 1.

    >>> round(log_term(5, 2, 50, 0.1), 4)
    9.2103
    """
    if not 0 < delta < 1 or min(pairs, horizon, episodes) < 1:
        raise ConfigError(
            f"optimism for {pairs} pairs, {horizon} steps and {episodes} episodes at delta {delta}",
            "give at least one of each, and delta in (0, 1)",
        )
    return math.log(2 * pairs * horizon * episodes / delta)


def bonus(visits: Ints, log: float, scale: float = 1.0) -> Floats:
    """Computes b for counts of any shape; 1, the largest value there is, for a pair that was never visited.

    >>> bonus(np.array([0, 1, 8, 200]), log=4.0).tolist()
    [1.0, 1.4142135623730951, 0.5, 0.1]
    """
    widths: Floats = scale * np.sqrt(log / (2 * np.maximum(visits, 1)))
    return np.where(visits == 0, 1.0, widths)


def empirical(counts: Ints) -> Floats:
    """Turns counts of transitions [...,S] into shares [...,S]; a row without any is 0."""
    total = counts.sum(axis=-1, keepdims=True)
    shares: Floats = counts / np.maximum(total, 1)
    return shares


def optimistic(kernel: Floats, wide: Floats, visits: Ints, goals: Bools, horizon: int) -> tuple[Floats, Ints]:
    """Plans with a bonus by backward induction.

    Args:
        kernel: [S,A,S] estimated; a row of a pair that was never visited is 0.
        wide: [S,A] the bonus.
        visits: [S,A], which decide among equal actions.
        goals: [S] bool.
        horizon: H.

    Returns:
        Values [H+1,S], at most 1, and a policy [H,S].
    """
    states, actions = visits.shape
    rows, wide = kernel.reshape(-1, states), wide.reshape(-1)
    values, worth = np.zeros((horizon + 1, states)), np.zeros((horizon, states, actions))
    for step in reversed(range(horizon)):
        hoped = np.minimum(rows @ np.where(goals, 1.0, values[step + 1]) + wide, 1.0)
        worth[step] = hoped.reshape(states, actions)
        values[step] = worth[step].max(axis=1)
    best = worth >= values[:-1, :, None] - _EQUAL
    return values, np.where(best, visits, np.inf).argmin(axis=2)
