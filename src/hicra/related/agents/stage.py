"""Where the episodes of one generation are played: environments that serve one after another, and numbers that all share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hicra.related.agents.blueprint import TASK, Blueprint, read
from hicra.related.agents.execute import Manner, Numbering, Played, execute, prompt
from hicra.related.agents.words import PLAN, PLAN_LEVEL
from hicra.related.environments import Environment
from hicra.related.rollouts import Asked, Rollout, Row, drive
from hicra.related.system import Arena


@dataclass(frozen=True)
class Wanted:
    """An episode that is to be played.

    Attributes:
        seed: of the episode.
        subgoals: to play along; (TASK,) is a flat agent.
        greedy: whether the likeliest token is taken each time.
    """

    seed: int
    subgoals: tuple[str, ...] = (TASK,)
    greedy: bool = False


@dataclass
class Planned:
    """A blueprint that was written, with its row."""

    row: Row
    blueprint: Blueprint
    text: str


class Stage:
    """Plays many episodes side by side; environments are made when they are first needed, and serve again.

    Args:
        place: where it plays.
    """

    def __init__(self, place: Arena) -> None:
        self.place = place
        self.states = Numbering()
        self._environments: list[Environment] = []
        self._episodes = 0

    def environments(self, count: int) -> list[Environment]:
        """Returns so many environments, none of which is in use once an earlier call of this stage has returned."""
        while len(self._environments) < count:
            self._environments.append(self.place.environment())
        return self._environments[:count]

    def episode(self) -> int:
        """Returns a number that no other episode of this stage has."""
        self._episodes += 1
        return self._episodes - 1

    def plan(self, seeds: Sequence[int], tokens: int, most: int, *, greedy: bool = False) -> list[Planned]:
        """Lets the policy write one blueprint for each seed, of at most `tokens` tokens and `most` subgoals."""
        if not seeds:
            return []
        (environment,) = self.environments(1)
        first = {seed: environment.reset(seed) for seed in dict.fromkeys(seeds)}
        rollouts = [
            blueprint(tuple(self.place.codec.encode(prompt(first[seed], PLAN))), self.episode(), tokens, most, greedy)
            for seed in seeds
        ]
        return drive(rollouts, self.place.policy)

    def execute(self, wanted: Sequence[Wanted], manner: Manner) -> list[Played]:
        """Plays the episodes, side by side."""
        rollouts = [
            execute(
                environment, one.seed, self.place.codec, manner, one.subgoals,
                states=self.states, episode=self.episode(), greedy=one.greedy,
            )
            for environment, one in zip(self.environments(len(wanted)), wanted, strict=True)
        ]  # fmt: skip
        return drive(rollouts, self.place.policy)


def blueprint(context: tuple[int, ...], episode: int, tokens: int, most: int, greedy: bool) -> Rollout[Planned]:
    """Asks for one blueprint; its row has level_ids and episode_ids."""
    row = Row(context)
    (action,) = yield [Asked(context, tokens, greedy)]
    row.wrote(action, level_ids=PLAN_LEVEL, turn_ids=0, episode_ids=episode)
    return Planned(row, read(action, most), action.text)


def figures_of(played: Sequence[Played]) -> dict[str, float]:
    """Returns what counts of episodes say: the share of actions that were not understood, and pointer moves an episode.

    Args:
        played: episodes; for none, there are no figures.
    """
    if not played:
        return {}
    actions = sum(one.actions for one in played)
    ends = [segment.ended for one in played for segment in one.segments]
    return {
        "invalid_actions": sum(one.invalid for one in played) / max(actions, 1),
        "sub_done_moves": ends.count("sub_done") / len(played),
        "budget_moves": ends.count("budget") / len(played),
    }


def interactions_of(played: Iterable[Played]) -> int:
    """Returns how many actions the environments took."""
    return sum(one.actions for one in played)
