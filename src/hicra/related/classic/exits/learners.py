"""Learns a task episode by episode, and keeps the exact regret of each episode.

Three learners differ in what they know before and in what they choose from:

- `FlatUCBVI` knows nothing, and learns the kernel of every state-action.
- `FlatWithInside` knows the kernels inside of clusters, and learns the others; it plans action by action.
- `GraphUCBVI` knows the same, and plans from exit to exit. It learns the kernels of exits alone.

The second one tells apart what knowing the dynamics saves, and what planning with options does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hicra.arrays import Floats, Ints
from hicra.related.classic.exits.graph import GraphPlan, options_for, plan_graph
from hicra.related.classic.exits.hierarchy import Hierarchy
from hicra.related.classic.exits.mdp import TabularMDP, optimal, success
from hicra.related.classic.exits.ucbvi import bonus, empirical, log_term, optimistic


class Acting(Protocol):
    """Plays one episode."""

    def act(self, step: int, state: int) -> int:
        """Returns the action at a step."""
        ...


class Plan(Protocol):
    """What a learner does in an episode."""

    def begins(self) -> Acting:
        """Returns what plays an episode."""
        ...

    def success(self, task: TabularMDP) -> float:
        """Computes the exact chance of success in a task."""
        ...


class Learner(Protocol):
    """Plans from what it has seen."""

    def plan(self, counts: Ints) -> Plan:
        """Plans.

        Args:
            counts: [S,A,S] transitions that were seen in this task.
        """
        ...


@dataclass(frozen=True)
class ActionPlan:
    """A deterministic policy [H,S]; it is a `Plan` and plays its episodes itself."""

    policy: Ints

    def begins(self) -> ActionPlan:
        return self

    def act(self, step: int, state: int) -> int:
        return int(self.policy[step, state])

    def success(self, task: TabularMDP) -> float:
        return success(task, self.policy)


class FlatUCBVI:
    """UCBVI over all state-actions.

    Args:
        task: whose goals and horizon are known; its kernel is not looked at.
        episodes, delta, scale: of the bonus.
    """

    def __init__(self, task: TabularMDP, episodes: int, delta: float = 0.1, scale: float = 1.0) -> None:
        self._goals, self._horizon, self._scale = task.goals, task.horizon, scale
        self._log = log_term(task.states * task.actions, task.horizon, episodes, delta)

    def plan(self, counts: Ints) -> ActionPlan:
        """Plans from counts [S,A,S]."""
        visits = counts.sum(axis=2)
        wide = bonus(visits, self._log, self._scale)
        return ActionPlan(optimistic(empirical(counts), wide, visits, self._goals, self._horizon)[1])


class FlatWithInside:
    """UCBVI that knows the kernels inside of clusters, and plans action by action; arguments as of `GraphUCBVI`."""

    def __init__(
        self, hierarchy: Hierarchy, task: TabularMDP, episodes: int, delta: float = 0.1, scale: float = 1.0
    ) -> None:
        self._hierarchy, self._goals, self._horizon, self._scale = hierarchy, task.goals, task.horizon, scale
        self._log = log_term(max(int((~hierarchy.inside).sum()), 1), task.horizon, episodes, delta)

    def plan(self, counts: Ints) -> ActionPlan:
        """Plans from counts [S,A,S]."""
        inside, visits = self._hierarchy.inside, counts.sum(axis=2)
        kernel = np.where(inside[:, :, None], self._hierarchy.kernel, empirical(counts))
        wide = np.where(inside, 0.0, bonus(visits, self._log, self._scale))
        return ActionPlan(optimistic(kernel, wide, visits, self._goals, self._horizon)[1])


class GraphUCBVI:
    """Optimistic planning from exit to exit.

    Args:
        hierarchy: of the family.
        task: whose goals and horizon are known; its kernel is not looked at.
        episodes, delta, scale: of the bonus, over exits alone.
    """

    def __init__(
        self, hierarchy: Hierarchy, task: TabularMDP, episodes: int, delta: float = 0.1, scale: float = 1.0
    ) -> None:
        self._options, self._horizon, self._scale = options_for(hierarchy, task.goals), task.horizon, scale
        self._log = log_term(max(len(hierarchy.exits), 1), task.horizon, episodes, delta)

    def plan(self, counts: Ints) -> GraphPlan:
        """Plans from counts [S,A,S], of which those at exits count."""
        exits = self._options.hierarchy.exits
        seen = counts[exits[:, 0], exits[:, 1]]
        visits = seen.sum(axis=1)
        wide = bonus(visits, self._log, self._scale)
        return plan_graph(self._options, empirical(seen), wide, visits, self._horizon)


@dataclass(frozen=True)
class Learned:
    """What came of learning a task.

    Attributes:
        regret: [episodes] best chance of success less that of the plan of each episode, exactly.
        counts: [S,A,S] transitions that were seen.
    """

    regret: Floats
    counts: Ints


def learn(task: TabularMDP, learner: Learner, episodes: int, seed: int) -> Learned:
    """Plays episodes, planning before each from all that was seen.

    Args:
        task: the task.
        learner: plans.
        episodes: number of episodes.
        seed: of the task's chance.
    """
    chance = np.random.default_rng(seed)
    cumulated = task.kernel.cumsum(axis=2)
    counts = np.zeros(task.kernel.shape, np.int64)
    best = optimal(task)[0][0, task.start]
    regret = np.zeros(episodes)
    for episode in range(episodes):
        plan = learner.plan(counts)
        regret[episode] = best - plan.success(task)
        playing, state = plan.begins(), task.start
        for step, drawn in enumerate(chance.random(task.horizon)):
            action = playing.act(step, state)
            after = min(int(np.searchsorted(cumulated[state, action], drawn, side="right")), task.states - 1)
            counts[state, action, after] += 1
            state = after
            if task.goals[state]:
                break
    return Learned(regret, counts)
