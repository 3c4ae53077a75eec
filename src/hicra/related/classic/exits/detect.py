"""Finds exits: the state-actions whose kernels differ between tasks by more than chance allows.

After n draws the empirical kernel of a state-action with K outcomes is nearer to the true one in L1 than

    radius(n) = sqrt(2 ln((2^K - 2) P n (n + 1) / delta) / n),   P = S A M

for all P state-actions of all tasks and all n at once with the chance 1 - delta (Weissman and others 2003, and a union bound in
which the share of n is 1 / (n (n + 1)); so n may depend on what was seen). A state-action is an exit if in some pair of tasks
the L1 distance of its empirical kernels is larger than the sum of their radii. Then nothing is an exit whose kernels are equal,
and every exit is found whose kernels are further apart than twice the sum of the radii (both with the chance 1 - delta).

Deviations (arXiv:2110.09507 is known by its abstract):
EXITS-6. The radius and the rule of pairs are this project's. K is known: the most states that a state-action may lead to.
"""

from __future__ import annotations

import math

import numpy as np

from hicra.arrays import Bools, Floats, Ints
from hicra.errors import ConfigError, DataError
from hicra.related.classic.exits.ucbvi import empirical


def radius(visits: Ints, outcomes: int, pairs: int, delta: float = 0.1) -> Floats:
    """Computes the radius for counts of any shape; infinite where there is no draw.

    Args:
        visits: n.
        outcomes: K, from 2.
        pairs: P.
        delta: chance that a kernel lies outside of its radius.

    Raises:
        ConfigError: an argument lies outside of its range.

    >>> radius(np.array([0, 4]), outcomes=2, pairs=1, delta=0.5).round(4).tolist()  # sqrt(2 ln(2 * 20 / 0.5) / 4)
    [inf, 1.4802]
    """
    if outcomes < 2 or pairs < 1 or not 0 < delta < 1:
        raise ConfigError(
            f"a radius for {outcomes} outcomes of {pairs} pairs at delta {delta}",
            "give 2 outcomes and 1 pair or more, and delta in (0, 1)",
        )
    n = np.maximum(np.asarray(visits, np.float64), 1)
    within: Floats = np.sqrt(2 * (math.log(2.0**outcomes - 2) + math.log(pairs / delta) + np.log(n * (n + 1))) / n)
    return np.where(np.asarray(visits) == 0, np.inf, within)


def samples_needed(gap: float, outcomes: int, pairs: int, delta: float = 0.1) -> int:
    """Computes the fewest draws of every state-action in every task after which exits that differ by `gap` are all found.

    It is the smallest n with 4 radius(n) < gap; a gap in (0, 2] is the L1 distance of the true kernels.

    Raises:
        ConfigError: the gap lies outside (0, 2].
    """
    if not 0 < gap <= 2:
        raise ConfigError(f"a gap of {gap}", "an L1 distance of two kernels that differ lies in (0, 2]")
    low, high = 1, 2
    while 4 * radius(np.array([high]), outcomes, pairs, delta)[0] >= gap:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        found = 4 * radius(np.array([middle]), outcomes, pairs, delta)[0] < gap
        low, high = (low, middle) if found else (middle, high)
    return high


def find_exits(counts: Ints, outcomes: int, delta: float = 0.1) -> Bools:
    """Finds the exits of a family.

    Args:
        counts: [M,S,A,S] transitions that were seen in each task.
        outcomes: K.
        delta: as of `radius`.

    Returns:
        [S,A] bool.

    Raises:
        DataError: there are fewer than two tasks.
    """
    if counts.ndim != 4 or len(counts) < 2:
        raise DataError(f"counts of shape {counts.shape}", "give [M,S,A,S] of two tasks or more: one task has no exits")
    visits, kernels = counts.sum(axis=3), empirical(counts)
    within = radius(visits, outcomes, int(np.prod(visits.shape)), delta)
    found = np.zeros(visits.shape[1:], np.bool_)
    for one in range(len(counts)):
        for other in range(one):
            apart = np.abs(kernels[one] - kernels[other]).sum(axis=2)
            found |= apart > within[one] + within[other]
    return found
