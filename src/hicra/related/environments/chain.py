"""A chain of choices of which few matter, for exact tests: the reward is 1 if every critical step was chosen right, else 0.

All else is exact too: which steps are critical, what each action is worth, and, for a table of probabilities in place of a
network (`hicra.related.trees.table`), the gradient of the expected reward.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.related.environments.interface import Reply


class ChainState(NamedTuple):
    """Where an episode is: the step that comes, and whether every critical step so far was chosen right."""

    step: int
    right: bool


class Chain:
    """A chain of steps with the same actions at each; it is an `Environment`, and every seed gives the same episode.

    The right action of a step is that of its number: the first action at step 0, the second at step 1, and so on round and round.
    An action that the chain does not know takes its step, and is never right.

    Args:
        steps: length of an episode.
        actions: number of actions at each step.
        critical: numbers of the steps, from 0, at which only the right action leads to the reward.

    Raises:
        ConfigError: there are no steps, fewer than two actions, no critical step, or one that is outside of the chain.
    """

    name = "chain"

    def __init__(self, steps: int = 20, actions: int = 3, critical: Sequence[int] = (4, 10, 15)) -> None:
        if steps < 1 or actions < 2:
            raise ConfigError(
                f"task.settings: a chain of {steps} steps with {actions} actions", "give 1 step and 2 actions or more"
            )
        outside = [one for one in critical if not 0 <= one < steps]
        if outside or not critical:
            raise ConfigError(
                f"task.settings.critical is {list(critical)}, and the steps are 0 to {steps - 1}",
                "name at least one of these steps",
            )
        self.longest, self.critical_steps = steps, tuple(sorted({*critical}))
        self.names = tuple(f"a{number}" for number in range(actions))
        self.places = tuple(f"s{number}" for number in range(steps))
        self.words = (*self.places, *self.names)
        self._state: ChainState | None = None

    def reset(self, seed: int) -> str:
        """Starts an episode and returns the name of its first step, `s0`; the seed changes nothing."""
        self._state = ChainState(0, True)
        return self.places[0]

    def step(self, text: str) -> Reply:
        """Takes an action and returns the name of the next step.

        Raises:
            DataError: the episode has not begun, or has ended.
        """
        at, right = self._now
        action, done = text.strip(), at + 1 == self.longest
        right = right and (at not in self.critical_steps or action == self.right_action(at))
        self._state = ChainState(at + 1, right)
        return Reply("" if done else self.places[at + 1], float(done and right), done, valid=action in self.names)

    def save(self) -> ChainState:
        """Returns the current state."""
        return self._now

    def restore(self, state: object) -> None:
        """Goes back to a saved state.

        Raises:
            DataError: it is no state of a chain.
        """
        if not isinstance(state, ChainState):
            raise DataError(f"{state!r} is no state of a chain", "give what `save` returned")
        self._state = state

    def state_id(self) -> Hashable:
        """Returns the step, and whether the reward can still be reached."""
        return self._now

    def actions(self) -> Sequence[str]:
        """Returns the actions, `a0` and so on."""
        return self.names

    def expert(self) -> str:
        """Returns the right action of this step."""
        return self.right_action(self._now.step)

    def critical(self) -> bool:
        """Returns whether this choice decides about the reward: at a critical step, as long as the reward can be reached."""
        at, right = self._now
        return right and at in self.critical_steps

    def right_action(self, step: int) -> str:
        """Returns the right action of a step by its number."""
        return self.names[step % len(self.names)]

    def step_named(self, word: str) -> int:
        """Returns the number of a step by the word that the chain names it with.

        Raises:
            DataError: no step has that name.
        """
        if word not in self.places:
            raise DataError(f"{word!r} is no step of the chain", did_you_mean(word, self.places))
        return self.places.index(word)

    @property
    def _now(self) -> ChainState:
        if self._state is None or self._state.step >= self.longest:
            raise DataError(
                "the episode has ended" if self._state else "the episode has not begun", "call reset, or restore, first"
            )
        return self._state
