"""A tabular task with a finite horizon, solved exactly by dynamic programming.

Letters of this folder, beside those of `hicra.arrays`: S states, A actions, H steps of an episode, E exits, M tasks.

Deviations (arXiv:2110.09507 is known by its abstract):
EXITS-1. The reward is 1 when an episode arrives at a goal, which ends it, and 0 otherwise; goals are known. So a value is a
    chance of success, and the return of an episode is 0 or 1, as a verifier's reward is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hicra.arrays import Bools, Floats, Ints
from hicra.errors import DataError

_ROUNDING = 1e-9


@dataclass(frozen=True)
class TabularMDP:
    """A task.

    Attributes:
        kernel: [S,A,S] chance of the next state.
        goals: [S] bool, the states that end an episode with the reward 1.
        start: the state in which an episode begins; no goal.
        horizon: H, the most actions of an episode, from 1.

    Raises:
        DataError: shapes do not fit each other, a row of the kernel is no distribution, or an episode could not begin.
    """

    kernel: Floats
    goals: Bools
    start: int
    horizon: int

    def __post_init__(self) -> None:
        shape = self.kernel.shape
        if len(shape) != 3 or shape[0] != shape[2] or self.goals.shape != shape[:1]:
            raise DataError(
                f"a kernel of shape {shape} with goals of shape {self.goals.shape}",
                "give the kernel as [S,A,S] and the goals as [S]",
            )
        wrong = ~np.isclose(self.kernel.sum(axis=2), 1, atol=_ROUNDING) | ~(self.kernel >= 0).all(axis=2)
        if wrong.any():
            state, action = np.argwhere(wrong)[0].tolist()
            raise DataError(
                f"kernel[{state}, {action}] is no distribution: {self.kernel[state, action].tolist()}",
                "give chances of at least 0 that add up to 1",
            )
        if not 0 <= self.start < shape[0] or self.goals[self.start] or self.horizon < 1:
            raise DataError(
                f"an episode of {self.horizon} steps from state {self.start} of {shape[0]}",
                "start in a state that is no goal, and give 1 step or more",
            )

    @property
    def states(self) -> int:
        return int(self.kernel.shape[0])

    @property
    def actions(self) -> int:
        return int(self.kernel.shape[1])

    def after(self, values: Floats) -> Floats:
        """Returns what it is worth to arrive at each state [..., S], where going on from there is worth `values` [..., S]."""
        return np.where(self.goals, 1.0, values)


def optimal(task: TabularMDP) -> tuple[Floats, Ints]:
    """Computes the best chance of success by backward induction.

    Returns:
        Values [H+1,S] at each step, and the best action [H,S] (the first one of equal ones). Values of goals mean nothing.
    """
    values = np.zeros((task.horizon + 1, task.states))
    policy = np.zeros((task.horizon, task.states), np.int64)
    for step in reversed(range(task.horizon)):
        worth = task.kernel @ task.after(values[step + 1])
        policy[step], values[step] = worth.argmax(axis=1), worth.max(axis=1)
    return values, policy


def success(task: TabularMDP, policy: Ints) -> float:
    """Computes the chance of success of a deterministic policy [H,S] from the start."""
    values = np.zeros(task.states)
    rows = np.arange(task.states)
    for step in reversed(range(task.horizon)):
        values = task.kernel[rows, policy[step]] @ task.after(values)
    return float(values[task.start])
