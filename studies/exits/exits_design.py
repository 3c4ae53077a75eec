"""Every run of the study, in the order in which they are made: the registered design as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SIDES = (3, 4, 5)  # cells on a side of a room, always with two places for a door in each wall
SEEDS = tuple(range(1, 21))  # of doors, training and chance; 0 is the recipe's, and those from 90 on are for pilots
PILOTS = (90, 91, 92)
ARMS = ("flat", "inside", "graph")
DOORS, SLIP, OUTCOMES = 2, 0.1, 5
TASKS, TRAINING = 5, 3000  # training tasks, and episodes of each
EPISODES = 1000  # of the new task
SCALES = (0.3, 0.1, 0.05, 0.02)  # that the pilots choose from
SCALE = 0.02  # of the bonus on the new task, for all arms; see PREREGISTRATION.md
TRAINING_SCALE = 0.1  # of the bonus in training
POINTS = 20  # at which the regret so far is kept


@dataclass(frozen=True)
class Trial:
    """One side and one seed: training, and then every arm on the same new task with the same chance."""

    side: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.side}/{self.seed}"


def trials() -> Iterator[Trial]:
    """Yields every trial in its order: a side is given up before a seed is."""
    for side in SIDES:
        for seed in SEEDS:
            yield Trial(side, seed)
