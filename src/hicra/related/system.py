"""What a related system is to the engine that trains it: it makes the rows of a step, and names the credit that they get."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from hicra.related.environments import Environment
from hicra.related.rollouts import Policy, Row
from hicra.strict import Flat


class Codec(Protocol):
    """Text to token ids and back, and the ids with a meaning of their own.

    Attributes:
        end: id of the token that ends an action.
        pad: id of padding.
    """

    end: int
    pad: int

    def encode(self, text: str) -> list[int]:
        """Returns the ids of a text, without special tokens around it."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of ids, without special tokens."""
        ...


@dataclass(frozen=True)
class Place:
    """Where a system plays.

    Attributes:
        environment: makes a new environment; each episode that is open at the same time needs its own.
        codec: of the policy.
        policy: samples at the temperature of the run.
    """

    environment: Callable[[], Environment]
    codec: Codec
    policy: Policy


@dataclass
class Made:
    """What one generation gave: the rows of one update.

    Attributes:
        rows: B rows. A token that must not enter the loss is not live, although the policy wrote it.
        rewards, group_ids: of each row, as the baseline takes them.
        success: of each whole episode, whether it reached its goal; the accuracy of the step is their mean.
        interactions: number of actions that environments took, those of forks and of greedy scoring included.
        generated: number of actions that the policy wrote; those that enter the loss are in the rows.
        shown: one record for each episode or tree as the run folder keeps it: `response` with the text, and what the system adds.
        figures: further metrics of the step, by name without "hicra/".
    """

    rows: list[Row]
    rewards: list[float]
    group_ids: list[int]
    success: list[bool]
    interactions: int
    generated: int
    shown: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)


class System(Protocol):
    """One related system; its class takes the settings as keyword arguments, and raises ConfigError for a wrong one.

    A system may also offer `planning_mask(batch, tagged) -> [B,T] bool`: the planning tokens of a batch of its rows, where
    `tagged` are those that a lexicon marks, [B,T] bool, or None. The engine asks by `getattr(system, "planning_mask", None)`.

    Attributes:
        Settings: the strict class that checks the settings, with their defaults and meanings.
        baseline: name and settings of the baseline in `hicra.credit` that a run takes unless its config names another.
    """

    Settings: ClassVar[type[Flat]]
    baseline: tuple[str, dict[str, Any]]

    def play(self, place: Place, seeds: Sequence[int], greedy: bool = False) -> Made:
        """Plays one episode a seed in the way of the system, as an evaluation does; its rows are not trained on."""
        ...

    def generations(self, place: Place, seeds: Sequence[int], step: int) -> Iterator[Made]:
        """Yields what one training step is made of; the policy is updated after each, so later ones sample from the new one.

        Args:
            place: where the system plays.
            seeds: of the episodes that are played at this step, one a group.
            step: number of the training step, from 1.
        """
        ...
