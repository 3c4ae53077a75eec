"""Clusters of states that hold together without exits, and for each exit a policy that leads there inside of its cluster.

Deviations (arXiv:2110.09507 is known by its abstract):
EXITS-7. The policy for an exit is the same at every step. It makes the mean of gamma^(steps to the exit) as large as it can be,
    with gamma = 1 - 1 / H: the chance to arrive before a clock that rings with the chance 1 / H at each step. Without slips that
    is a shortest way.
EXITS-8. Kernels of state-actions that are no exits are the shares over all training tasks together, and are not learned any
    further. One that no training task has shown is never taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from hicra.arrays import Bools, Floats, Ints
from hicra.errors import DataError
from hicra.related.classic.exits.ucbvi import empirical

NOWHERE = -1  # the cluster of a state that was never seen, and the action where a target cannot be reached
_STILL, _MOST_ROUNDS = 1e-10, 10_000


@dataclass(frozen=True)
class Hierarchy:
    """What the training tasks have in common.

    Attributes:
        exits: [E,2] state and action of each exit, in the order of states and then actions.
        clusters: [S] the number of each state's cluster.
        kernel: [S,A,S] inside of clusters; a row of an exit, or of what was never seen, is 0.
        inside: [S,A] bool, the state-actions with a row.
        policies: [E,S] the action that leads to each exit from the states of its cluster; NOWHERE elsewhere, and where the exit
            cannot be reached. In the exit's own state it is the exit's action.
        gamma: with which the policies were made.
    """

    exits: Ints
    clusters: Ints
    kernel: Floats
    inside: Bools
    policies: Ints
    gamma: float


def clusters_of(counts: Ints, exits: Bools) -> Ints:
    """Finds the connected components of the graph of seen transitions that are no exits.

    Args:
        counts: [S,A,S] of all tasks together.
        exits: [S,A] bool.

    Returns:
        [S] the number of each state's cluster, in the order of its first state; NOWHERE for a state that was never seen.
    """
    joined: Bools = np.where(exits[:, :, None], 0, counts).sum(axis=1) > 0
    seen: Bools = (counts.sum(axis=(1, 2)) > 0) | (counts.sum(axis=(0, 1)) > 0)
    _, found = connected_components(joined, directed=False)
    _, first = np.unique(found, return_index=True)
    order = {int(found[state]): number for number, state in enumerate(np.sort(first[seen[first]]))}
    return np.array([order[int(one)] if seen[state] else NOWHERE for state, one in enumerate(found)], np.int64)


def reach(kernel: Floats, allowed: Bools, targets: Bools, gamma: float) -> tuple[Ints, Floats]:
    """Solves for policies that reach targets soon (EXITS-7), by value iteration.

    Args:
        kernel: [S,A,S].
        allowed: [N,S,A] bool, the actions that may be taken on the way to each target.
        targets: [N,S] bool, the states of each target.
        gamma: in (0, 1).

    Returns:
        Policies [N,S] (NOWHERE in the target, and where it cannot be reached) and mean gamma^steps [N,S].

    Raises:
        DataError: gamma lies outside (0, 1).
    """
    if not 0 < gamma < 1:
        raise DataError(f"gamma is {gamma}", "give a number in (0, 1), such as 1 - 1 / H")
    values = targets.astype(np.float64)
    for _ in range(_MOST_ROUNDS):
        worth = np.where(allowed, gamma * np.moveaxis(kernel @ values.T, 2, 0), 0.0)
        better = np.where(targets, 1.0, worth.max(axis=2))
        moved, values = np.abs(better - values).max(initial=0.0), better
        if moved < _STILL:
            break
    policy = np.where((worth.max(axis=2) > 0) & ~targets, worth.argmax(axis=2), NOWHERE)
    return policy, values


def build_hierarchy(counts: Ints, exits: Bools, horizon: int) -> Hierarchy:
    """Builds the hierarchy of training tasks.

    Args:
        counts: [M,S,A,S] transitions that were seen in each task.
        exits: [S,A] bool.
        horizon: H, from 2.

    Raises:
        DataError: shapes do not fit each other, or the horizon is too short.
    """
    if counts.ndim != 4 or exits.shape != counts.shape[1:3] or horizon < 2:
        raise DataError(
            f"a hierarchy from counts {counts.shape}, exits {exits.shape} and {horizon} steps",
            "give [M,S,A,S], [S,A] and 2 steps or more",
        )
    together = counts.sum(axis=0)
    clusters = clusters_of(together, exits)
    inside = ~exits & (together.sum(axis=2) > 0)
    kernel = np.where(inside[:, :, None], empirical(together), 0.0)
    # an exit of a state that no other action has shown stands in no cluster that one could come from
    known = np.argwhere(exits & (clusters != NOWHERE)[:, None])
    states, gamma = len(clusters), 1 - 1 / horizon
    targets = np.arange(states) == known[:, :1]
    at_home = clusters == clusters[known[:, 0]][:, None]
    policies, _ = reach(kernel, inside & at_home[:, :, None], targets, gamma)
    policies[np.arange(len(known)), known[:, 0]] = known[:, 1]
    return Hierarchy(known, clusters, kernel, inside, policies, gamma)
