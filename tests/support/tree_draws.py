"""Every course that a system can take on a small chain, with its chance: expectations without sampling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from hicra.arrays import Floats
from hicra.related.rollouts import Action, Asked, Rollout, drive
from hicra.related.system import Arena
from hicra.related.trees.table import TablePolicy

Result = TypeVar("Result")


class Scripted(TablePolicy):
    """Takes the actions of a script, then the first one each time, and remembers the chance and the options of what it took."""

    def begin(self, script: Sequence[int]) -> None:
        self.script, self.taken, self.chance = list(script), [], 1.0

    def row(self, asked: Asked) -> Floats:
        """The chances of the actions in a context."""
        return np.asarray(self.probabilities[asked.context[-1]])

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        out = []
        for one in asked:
            choice = self.script[len(self.taken)] if len(self.taken) < len(self.script) else 0
            self.taken.append(choice)
            row = self.row(one)
            self.chance *= row[choice]
            word = self.chain.names[choice]
            out.append(
                Action((self.first + choice,), word, True, (float(np.log(row[choice])),), (float(-row @ np.log(row)),))
            )
        return out


def every_course(policy: Scripted, rollout: Callable[[], Rollout[Result]]) -> Iterator[tuple[float, Result]]:
    """Yields (chance, result) for all sequences of actions that a rollout can ask for; the chances sum to 1."""
    script: list[int] = []
    while True:
        policy.begin(script)
        (result,) = drive([rollout()], policy)
        yield policy.chance, result
        script = policy.taken
        while script and script[-1] == len(policy.chain.names) - 1:  # the next one in the order of a counter
            script.pop()
        if not script:
            return
        script[-1] += 1


def place_of(policy: TablePolicy) -> Arena:
    return Arena(
        lambda: type(policy.chain)(policy.chain.longest, len(policy.chain.names), policy.chain.critical_steps),
        policy.codec,
        policy,
    )
