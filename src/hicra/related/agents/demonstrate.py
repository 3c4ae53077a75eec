"""Demonstrations for warm starts: what an expert writes where an agent is asked, token for token as the agent would read it.

The expert answers in place of the policy, in the same generators that agents play by. So a model that imitates these rows meets
in training exactly the prompts that it has seen. The environment must know its subgoals and its expert, and be savable.

A careless expert takes another action now and then, and does not always plan in the right order, so that a warm start leaves
something to learn.

Deviations:
AGENT-9. Where the expert plans carelessly it writes the subgoals in a random order, and some of them are missing. Such a
    blueprint is imitated, and not executed: an episode is always shown along the right one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Literal

from hicra.errors import ConfigError
from hicra.related.agents.blueprint import TASK, render
from hicra.related.agents.execute import Manner, Numbering, execute, prompt
from hicra.related.agents.hiper import keep_or_change
from hicra.related.agents.stage import blueprint
from hicra.related.agents.words import ACT, CHANGE, GOAL, KEEP, PLAN, SUB_DONE, SUBGOAL, SWITCH
from hicra.related.environments import Environment
from hicra.related.rollouts import Action, Asked, Row, drive
from hicra.related.system import Codec

Kind = Literal["flat", "two_levels", "keep_or_change"]
MOST = 10_000  # tokens: an expert writes what there is to say


def subgoal_of(words: Sequence[str]) -> str:
    """Returns the subgoal that was read or written last in a context that ends in a cue; TASK where there is none."""
    places = [place for place, word in enumerate(words[:-1]) if word in (GOAL, SUBGOAL)]
    if not places:
        return TASK
    after = list(words[places[-1] + 1 :])
    return " ".join(after[: next(place for place, word in enumerate(after) if word in (ACT, SWITCH))])


def demonstrations(
    environment: Environment,
    seeds: Sequence[int],
    codec: Codec,
    kind: Kind,
    *,
    budget: int = 12,
    careless: float = 0.0,
    careless_plan: float = 0.0,
    seed: int = 0,
) -> Iterator[Row]:
    """Yields rows to imitate: of each, `context` is read first, `ids` follow, and the `live` ones among them are learnt.

    Args:
        environment: offers `expert` and, for two levels, `subgoals` and `reached`.
        seeds: of the episodes.
        codec: of the model that will imitate them.
        kind: episodes of a flat agent; a blueprint and its segments for HiMAC; or HiPER's keep or change.
        budget: of a subgoal, as the agent will have it.
        careless: chance that an action is any one of those that do something.
        careless_plan: chance that a blueprint is out of order.
        seed: decides what is careless.

    Raises:
        ConfigError: the environment lacks what an expert needs, or cannot be saved.
    """
    expert = Expert(environment, codec, kind == "two_levels", careless, careless_plan, Random(seed))
    for number, one in enumerate(seeds):
        states = Numbering()
        if kind == "keep_or_change":
            rollout = keep_or_change(environment, one, codec, Manner(MOST), MOST, states=states, episode=number)
            yield from drive([rollout], expert)[0].rows
            continue
        subgoals: tuple[str, ...] = (TASK,)
        if kind == "two_levels":
            first = environment.reset(one)
            subgoals = tuple(expert.offered("subgoals")())
            context = tuple(codec.encode(prompt(first, PLAN)))
            yield drive([blueprint(context, number, MOST, len(subgoals), False)], expert)[0].row
        manner = Manner(MOST, budget=budget, sub_done=kind == "two_levels")
        along = execute(environment, one, codec, manner, subgoals, states=states, episode=number)
        yield from drive([along], expert)[0].rows


class Expert:
    """Answers in place of a policy, for one environment.

    Args:
        environment: where the episode that asks is played.
        codec: of the policy.
        sub_done: whether it says that a subgoal is reached.
        careless, careless_plan: chances, as of `demonstrations`.
        chance: where random numbers come from.
    """

    def __init__(
        self,
        environment: Environment,
        codec: Codec,
        sub_done: bool,
        careless: float,
        careless_plan: float,
        chance: Random,
    ) -> None:
        self.environment, self.codec, self.sub_done, self.chance = environment, codec, sub_done, chance
        self.careless, self.careless_plan = careless, careless_plan

    def offered(self, name: str) -> Callable[..., Any]:
        """Returns a method that not every environment has.

        Raises:
            ConfigError: this one has not.
        """
        method: Callable[..., Any] | None = getattr(self.environment, name, None)
        if method is None:
            raise ConfigError(
                f"the environment {self.environment.name} has no {name!r}, and there is no demonstration without it",
                "take an environment that knows its subgoals and its expert, such as hcraft or minigrid",
            )
        return method

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        """Writes what the expert would, by the cue at the end of each context."""
        return [self._said(self.codec.decode(one.context).split()) for one in asked]

    def _said(self, words: Sequence[str]) -> Action:
        if words[-1] == PLAN:
            text = self._plan()
        elif words[-1] == SWITCH:
            text = KEEP if self._next() == subgoal_of(words) else CHANGE
        elif words[-1] == SUBGOAL:
            text = self._next()
        else:
            text = self._act(subgoal_of(words))
        ids = (*self.codec.encode(text), self.codec.end)
        return Action(ids, text, True, (0.0,) * len(ids), (0.0,) * len(ids))

    def _next(self) -> str:
        return str(self.offered("subgoals")()[0])

    def _plan(self) -> str:
        subgoals = list(self.offered("subgoals")())
        if self.chance.random() < self.careless_plan:
            subgoals = self.chance.sample(subgoals, self.chance.randint(1, len(subgoals)))
        return render(subgoals)

    def _act(self, subgoal: str) -> str:
        """Returns the next action, and behind it `<sub_done>` where the subgoal is then reached and the episode goes on."""
        action = str(self.offered("expert")())
        if self.chance.random() < self.careless:
            action = str(self.chance.choice(list(self.offered("actions")())))
        if not self.sub_done:
            return action
        before = self.environment.save()
        ended = self.environment.step(action).done
        reached = not ended and bool(self.offered("reached")(subgoal))
        self.environment.restore(before)
        return f"{action} {SUB_DONE}" if reached else action
