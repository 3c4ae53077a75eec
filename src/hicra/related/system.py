"""What a related system is to the engine that trains it: it makes the rows of a step, and names the credit that they get."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from hicra.related.environments import Environment
from hicra.related.rollouts import Policy, Row


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
class Arena:
    """Where a system plays.

    Attributes:
        environment: makes a new environment; each episode that is open at the same time needs its own.
        codec: of the policy.
        policy: samples at the temperature of the run.
        most: the most tokens of an action, unless the system has a setting of its own for it (`train.max_new_tokens`).
    """

    environment: Callable[[], Environment]
    codec: Codec
    policy: Policy
    most: int = 32


@dataclass
class Generated:
    """What one generation gave: the rows of one update.

    Attributes:
        rows: B rows. A token that must not enter the loss is not live, although the policy wrote it.
        rewards, group_ids: of each row, as the baseline takes them.
        success: of each whole episode, whether it reached its goal, as `reached` tells; see `accuracy`.
        interactions: number of actions that environments took, those of forks and of greedy scoring included.
        generated: number of actions that the policy wrote; those that enter the loss are in the rows.
        correct: of each row, whether its episode reached the goal (`reached`); None where a row is not of one episode.
        shown: what the report draws of an episode or a tree: `row`, the number of the row that it is shown with, and either
            `tree`, a list of nodes [parent, text, value, advantage] (the root is number 0 and has the parent -1; the advantage is
            None where the edge to the node does not enter the loss), or `subgoals`, a list of texts.
        figures: further metrics of the step by name, which are logged with the name of the system before it (himac/budget_moves);
            of several generations of a step their mean counts.
    """

    rows: list[Row]
    rewards: list[float]
    group_ids: list[int]
    success: list[float]
    interactions: int
    generated: int
    correct: list[float] | None = None
    shown: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)


def reached(reward: float) -> float:
    """Returns 1.0 where the rewards of an episode add up to more than 0: it reached its goal. Otherwise 0.0.

    Where the episode could not be scored (the sum is NaN), it is NaN, and never a failure.
    """
    return float(reward > 0) if reward == reward else reward


def accuracy(success: Sequence[float]) -> float:
    """Returns the share of scored episodes that reached their goal (`reached`); NaN where none was scored."""
    scored = [one for one in success if one == one]
    return sum(scored) / len(scored) if scored else math.nan


def seed_of(*numbers: int) -> int:
    """Returns a seed of random numbers for one step of a run, from the run's seed, the step, and whatever else tells it apart.

    A resumed run makes the same.
    """
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


class System(Protocol):
    """One related system.

    Its settings are the arguments of its class by name, each with a type (as `hicra.strict` has them) and a default; the class
    that checks them is made from that signature, as for an entry of `hicra.credit`, unless the system's class has one as
    `Settings`. A setting `group_size` that a config does not set takes `train.group_size`. A system keeps nothing from one step
    to the next, and what it draws at random besides the policy's actions is decided by the seeds and the step, so that a resumed
    run goes on as it would have.

    A system may also offer `planning_mask(batch, tagged) -> [B,T] bool`: the planning tokens of a batch of its rows, where
    `tagged` are those that a lexicon marks, [B,T] bool. The engine asks by `getattr(system, "planning_mask", None)`.

    Attributes:
        baseline: name and settings of the baseline in `hicra.credit` that a run takes unless its config names another.
    """

    baseline: tuple[str, dict[str, Any]]

    def generations(self, place: Arena, seeds: Sequence[int], step: int) -> Iterator[Generated]:
        """Yields what one training step is made of; the policy is updated after each, so later ones sample from the new one.

        Args:
            place: where the system plays.
            seeds: of the episodes that are played at this step, one a group.
            step: number of the training step, from 1.
        """
        ...

    def play(self, place: Arena, seeds: Sequence[int], greedy: bool = False) -> Generated:
        """Plays one episode of each seed in the way of the system, as an evaluation does; its rows are not trained on.

        A system that acts step by step without more ado calls `played` of `hicra.related.play`.
        """
        ...
