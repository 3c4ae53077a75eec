"""What an environment offers: it is played in text, and any state that it was in can be gone on from."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Reply:
    """What an action led to.

    Attributes:
        text: what the policy reads next; "" after the end.
        reward: the reward of this action alone.
        done: whether the episode has ended.
        valid: whether the environment understood the action; one that it did not understand changes nothing but the clock.
    """

    text: str
    reward: float
    done: bool
    valid: bool = True


class Environment(Protocol):
    """A world for one episode at a time; the same seed and the same actions give the same episode.

    Attributes:
        name: as in the table of environments.
        words: every word that its texts and its actions hold, so that a small tokenizer can be made of them.
        longest: the most actions of an episode; the environment ends it then.

    An environment that knows them may also offer, as methods without arguments that look at the current state:
    `actions() -> Sequence[str]`, the actions that do something; `expert() -> str`, the action of a demonstrator;
    `subgoals() -> Sequence[str]`, what is still to be done, in order; `critical() -> bool`, whether the choice of this action
    changes what can be reached; `reached(subgoal: str) -> bool`. Callers ask by `getattr(environment, name, None)`.
    """

    name: str
    words: Sequence[str]
    longest: int

    def reset(self, seed: int) -> str:
        """Starts the episode of this seed and returns the first text: the task, and what can be seen."""
        ...

    def step(self, text: str) -> Reply:
        """Takes the action that a text names.

        Raises:
            DataError: the episode has not begun, or has ended.
        """
        ...

    def save(self) -> object:
        """Returns the current state as a value that later steps leave as it is.

        Raises:
            ConfigError: the world behind it cannot be saved.
        """
        ...

    def restore(self, state: object) -> None:
        """Goes back to a state that `save` gave, of this or of another environment with the same settings."""
        ...

    def state_id(self) -> Hashable:
        """Returns what is equal for two states exactly if the same actions lead to the same from both, the clock apart."""
        ...
