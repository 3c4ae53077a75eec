"""Small tabular tasks whose exits are known: a corridor of two rooms, and what a generative model would have drawn."""

from __future__ import annotations

import itertools

import numpy as np

from hicra.related.classic.exits.mdp import TabularMDP

LEFT, RIGHT = 0, 1
EXITS = np.array([[False, False], [False, True], [True, False], [False, False]])  # of the corridor [S,A]


def corridor(door: float = 1.0, horizon: int = 3) -> TabularMDP:
    """Four cells in a row, the rooms {0, 1} and {2, 3}; the door between 1 and 2 lets through with the chance `door`; goal 3."""
    kernel = np.zeros((4, 2, 4))
    for cell in range(4):
        kernel[cell, LEFT, max(cell - 1, 0)] = kernel[cell, RIGHT, min(cell + 1, 3)] = 1
    kernel[1, RIGHT], kernel[2, LEFT] = (0, 1 - door, door, 0), (0, door, 1 - door, 0)
    return TabularMDP(kernel, np.arange(4) == 3, 0, horizon)


def drawn(tasks: list[TabularMDP], samples: int, seed: int) -> np.ndarray:
    """Counts [M,S,A,S] of so many draws of every state-action."""
    chance = np.random.default_rng(seed)
    return np.array([chance.multinomial(samples, task.kernel) for task in tasks])


def trajectories(task: TabularMDP, policy: np.ndarray) -> list[tuple[float, float, list[tuple[int, int]]]]:
    """Every trajectory of a task under a policy [S,A], as (chance, return, [(state, action), ...])."""
    found = []

    def go(state: int, chance: float, taken: list[tuple[int, int]]) -> None:
        if task.goals[state] or len(taken) == task.horizon:
            found.append((chance, float(task.goals[state]), taken))
            return
        for action, after in itertools.product(range(task.actions), range(task.states)):
            step = policy[state, action] * task.kernel[state, action, after]
            if step > 0:
                go(after, chance * step, [*taken, (state, action)])

    go(task.start, 1.0, [])
    return found
