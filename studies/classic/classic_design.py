"""Every run of both studies, PEAR and OPARL, in the order in which they are made: the registered designs as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

PEAR_ARMS = ("pear", "fixed", "plain")
PEAR_SEEDS = tuple(range(1, 8))  # 0 is the recipe's, and those from 90 on are for pilots
PEAR_STEPS, EVALUATIONS, EPISODES = 15_000, 5, 20
OPARL_ARMS = ("oparl", "td3")
OPARL_SEEDS = (1, 2, 3)
OPARL_TASKS = ("Pendulum-v1", "MountainCarContinuous-v0")
OPARL_STEPS, ENOUGH = 10_000, -250.0  # return of Pendulum that counts as learned
HOURS = {"oparl": 1.0, "pear": 1.5}  # of processor time, after which no run of a study begins


@dataclass(frozen=True)
class ClassicRun:
    """One run: `system` is pear or oparl, `task` the environment."""

    system: str
    task: str
    arm: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.system}/{self.task}/{self.arm}/{self.seed}"


def runs() -> Iterator[ClassicRun]:
    """Yields every run, seed by seed, so that arms have equally many whatever the budget cuts off; OPARL first."""
    for task in OPARL_TASKS:
        for seed in OPARL_SEEDS:
            for arm in OPARL_ARMS:
                yield ClassicRun("oparl", task, arm, seed)
    for seed in PEAR_SEEDS:
        for arm in PEAR_ARMS:
            yield ClassicRun("pear", "PointMaze_UMaze-v3", arm, seed)
