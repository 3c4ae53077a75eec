"""Every run of the study, in the order in which they are made: the registered design as data.

A run is known by its environment, arm and pair. The runs of a pair share warm start, training seeds and random numbers. The order
goes environment by environment and then pair by pair, so that whatever the budget cuts off, the arms have equally many runs, and
an environment is given up before a pair is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "hcraft": {"things": 1, "longest": 15},
    "minigrid": {"size": 5, "longest": 20},
}
RECIPES = {"hcraft": "hcraft-one", "minigrid": "minigrid"}  # of recipes/agents, that makes the warm starts
UPDATES = {"hcraft": 100, "minigrid": 150}  # of a warm start; see PREREGISTRATION.md
ARMS: dict[str, tuple[str, dict[str, Any]]] = {
    "himac": ("himac", {"blueprints": 8, "group_size": 8}),
    "grpo": ("grpo", {"group_size": 16}),
    "gigpo": ("gigpo", {"group_size": 16}),
    "no_alternation": ("himac", {"blueprints": 8, "group_size": 8, "alternate": False}),
}  # system and settings; each plays 16 episodes of a seed
PAIRS = tuple(range(1, 9))  # each has a warm start of its own
SEEDS_A_STEP = 4
BUDGET = {"hcraft": 40_000, "minigrid": 30_000}  # interactions of a run
EVALUATIONS = 10  # of a run, besides the one at its start, at equal distances
HELD_OUT = 64  # episodes of an evaluation
TARGET = 0.6
FIRST_SEED = 1000  # seeds below are for pilots
MOST = 12  # tokens of an action
HOURS = 5.0  # of processor time, after which no run begins
RATE = 3e-4  # learning rate; see PREREGISTRATION.md


@dataclass(frozen=True)
class Planned:
    """One run.

    Attributes:
        environment: a name of ENVIRONMENTS.
        arm: a name of ARMS.
        pair: number of the pair, and of its warm start.
    """

    environment: str
    arm: str
    pair: int

    @property
    def name(self) -> str:
        return f"{self.environment}/{self.arm}/{self.pair}"

    @property
    def seed(self) -> int:
        return FIRST_SEED + self.pair


def runs() -> Iterator[Planned]:
    """Yields every run in its order."""
    for environment in ENVIRONMENTS:
        for pair in PAIRS:
            for arm in ARMS:
                yield Planned(environment, arm, pair)


if __name__ == "__main__":
    for run in runs():
        print(run.name)
