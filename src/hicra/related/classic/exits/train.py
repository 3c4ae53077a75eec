"""From training tasks to a hierarchy: UCBVI on each, then exits, then clusters and policies.

Deviations (arXiv:2110.09507 is known by its abstract):
EXITS-11. Training plays a fixed number of episodes of each task, whatever they show. Nothing is promised for a state-action that
    an optimist has no reason to try: it stays unknown, or is taken for no exit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hicra.arrays import Bools, Ints
from hicra.errors import DataError
from hicra.related.classic.exits.detect import find_exits
from hicra.related.classic.exits.hierarchy import Hierarchy, build_hierarchy
from hicra.related.classic.exits.learners import FlatUCBVI, learn
from hicra.related.classic.exits.mdp import TabularMDP


@dataclass(frozen=True)
class Recovered:
    """What training tasks have shown.

    Attributes:
        exits: [S,A] bool.
        hierarchy: clusters and policies.
        counts: [M,S,A,S] transitions that were seen in each task.
    """

    exits: Bools
    hierarchy: Hierarchy
    counts: Ints


def recover(
    tasks: Sequence[TabularMDP],
    episodes: int,
    outcomes: int,
    seed: int,
    delta: float = 0.1,
    scale: float = 1.0,
) -> Recovered:
    """Learns training tasks and finds what they have in common.

    Args:
        tasks: M of one family, from 2.
        episodes: of each task.
        outcomes: the most states that a state-action may lead to; 5 in rooms with slips.
        seed: of the tasks' chance.
        delta, scale: of the bonus; delta also of the radius.

    Raises:
        DataError: the tasks are not of one shape, or fewer than two.
    """
    if len({task.kernel.shape for task in tasks}) != 1 or len(tasks) < 2:
        raise DataError(
            f"{len(tasks)} training tasks of the shapes {sorted({task.kernel.shape for task in tasks})}",
            "give two tasks or more with the same states and actions",
        )
    counts = np.stack([
        learn(task, FlatUCBVI(task, episodes, delta, scale), episodes, seed * len(tasks) + number).counts
        for number, task in enumerate(tasks)
    ])  # fmt: skip
    exits = find_exits(counts, outcomes, delta)
    return Recovered(exits, build_hierarchy(counts, exits, tasks[0].horizon), counts)


def precision_recall(found: Bools, true: Bools) -> tuple[float, float]:
    """Computes the share of found exits that are true, and of true ones that are found; 1 where there is none to be wrong.

    >>> precision_recall(np.array([True, True, False, False]), np.array([True, False, True, False]))
    (0.5, 0.5)
    """
    both = int((found & true).sum())
    return both / int(found.sum()) if found.any() else 1.0, both / int(true.sum()) if true.any() else 1.0
