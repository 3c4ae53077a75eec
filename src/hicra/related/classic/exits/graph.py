"""Optimistic planning from exit to exit: what is chosen is where to leave a cluster, and only what happens at exits is learned.

An option leads to one exit of the cluster by the policy of the hierarchy, and takes it; or it leads to the goals of the cluster.
Whoever has taken an exit chooses anew, wherever that led. The value of an option o in state s at step h is

    W_h(o, s) = sum_s' P(s' | s, pi_o(s)) W_{h+1}(o, s')    on the way, inside of the cluster
    W_h(o, x) = min(1, sum_s' P^_o(s') U_{h+1}(s') + b_o)    at its exit
    U_h(s)    = max_o W_h(o, s)

and arriving at a goal is worth 1. So there are as many things to learn as exits, and as many choices in an episode as rooms that
it passes.

Deviations (arXiv:2110.09507 is known by its abstract):
EXITS-9. The goal of a task is known, and the way to it inside of its cluster is an option like the others.
EXITS-10. A state that no option can be begun in is worth 0, and action 0 is taken there. It is a state that training has never
    shown, or that it has shown no way out of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hicra.arrays import Bools, Floats, Ints
from hicra.related.classic.exits.hierarchy import NOWHERE, Hierarchy, reach
from hicra.related.classic.exits.mdp import TabularMDP

_EQUAL = 1e-12


@dataclass(frozen=True)
class Options:
    """The options of a task: one for each exit, in their order, and one more for the goals.

    Attributes:
        hierarchy: what they are made of.
        policies: [O,S] action of each option, O = E + 1; NOWHERE where it is not there.
        goals: [S] bool.
        ways: [O,S,S] the kernel of each option on its way, 0 at its exit and where it is not there.
    """

    hierarchy: Hierarchy
    policies: Ints
    goals: Bools
    ways: Floats


def options_for(hierarchy: Hierarchy, goals: Bools) -> Options:
    """Makes the options of a task with these goals, [S] bool."""
    homes = hierarchy.clusters[goals]
    home = np.isin(hierarchy.clusters, homes[homes != NOWHERE])
    allowed = hierarchy.inside & home[:, None] & ~goals[:, None]
    to_goals, _ = reach(hierarchy.kernel, allowed[None], goals[None], hierarchy.gamma)
    policies = np.concatenate([hierarchy.policies, to_goals])
    states = np.arange(len(goals))
    ways = np.where((policies == NOWHERE)[:, :, None], 0.0, hierarchy.kernel[states, np.maximum(policies, 0)])
    return Options(hierarchy, policies, goals, ways)


@dataclass(frozen=True)
class GraphPlan:
    """A plan over options.

    Attributes:
        options: what is chosen from.
        choices: [H,S] the option that is chosen where a choice is made; NOWHERE where there is none.
        values: [H+1,S] U, what the planner believes.
    """

    options: Options
    choices: Ints
    values: Floats

    def begins(self) -> GraphAgent:
        """Returns what plays an episode by this plan."""
        return GraphAgent(self)

    def success(self, task: TabularMDP) -> float:
        """Computes the true chance of success of this plan in a task, with the memory of which option is under way."""
        options, states = self.options, np.arange(task.states)
        exits = options.hierarchy.exits
        here = options.policies != NOWHERE
        follow = task.kernel[states, np.maximum(options.policies, 0)]  # [O,S,S]
        chosen, running = np.zeros(task.states), np.zeros(here.shape)
        for step in reversed(range(len(self.choices))):
            after_choice, after = task.after(chosen), task.after(np.where(here, running, chosen))
            running = (follow @ after[:, :, None])[:, :, 0]
            number = np.arange(len(exits))
            running[number, exits[:, 0]] = task.kernel[exits[:, 0], exits[:, 1]] @ after_choice
            choice = self.choices[step]
            chosen = np.where(choice == NOWHERE, task.kernel[:, 0] @ after_choice, running[choice, states])
        return float(chosen[task.start])


class GraphAgent:
    """Plays one episode: keeps an option until its exit is taken, or until it is not there any more."""

    def __init__(self, plan: GraphPlan) -> None:
        self._plan, self._option = plan, NOWHERE

    def act(self, step: int, state: int) -> int:
        """Returns the action at a step of the episode."""
        policies = self._plan.options.policies
        if self._option == NOWHERE or policies[self._option, state] == NOWHERE:
            self._option = int(self._plan.choices[step, state])
        if self._option == NOWHERE:
            return 0
        action = int(policies[self._option, state])
        exits = self._plan.options.hierarchy.exits
        if self._option < len(exits) and state == exits[self._option, 0]:
            self._option = NOWHERE  # the exit is taken now, and wherever it leads a choice is made
        return action


def plan_graph(options: Options, kernel: Floats, wide: Floats, visits: Ints, horizon: int) -> GraphPlan:
    """Plans over options by backward induction.

    Args:
        options: of the task.
        kernel: [E,S] what is known of where each exit leads; a row without a visit is 0.
        wide: [E] the bonus of each exit; 0 where the kernels are exact.
        visits: [E], which decide among equal options, the one to the goals first.
        horizon: H.
    """
    exits, here = options.hierarchy.exits, options.policies != NOWHERE
    goals, number = options.goals, np.arange(len(exits))
    tried = np.append(visits, -1)[:, None]
    values, choices = np.zeros((horizon + 1, len(goals))), np.full((horizon, len(goals)), NOWHERE)
    running = np.zeros(here.shape)
    for step in reversed(range(horizon)):
        after_choice = np.where(goals, 1.0, values[step + 1])
        after = np.where(goals, 1.0, np.where(here, running, values[step + 1]))
        running = (options.ways @ after[:, :, None])[:, :, 0]
        running[number, exits[:, 0]] = np.minimum(kernel @ after_choice + wide, 1.0)
        worth = np.where(here, running, -1.0)
        best = worth.max(axis=0)
        least = np.where(here & (worth >= best - _EQUAL), tried, np.inf).argmin(axis=0)
        choices[step] = np.where(here.any(axis=0), least, NOWHERE)
        values[step] = np.maximum(best, 0.0)
    return GraphPlan(options, choices, values)
