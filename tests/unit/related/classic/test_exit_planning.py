"""Planning from exit to exit, against exact dynamic programming; learners, their optimism and their regret."""

from __future__ import annotations

import numpy as np
import pytest

from exit_worlds import EXITS, corridor, drawn
from hicra.errors import DataError
from hicra.related.classic.exits.graph import GraphPlan, options_for, plan_graph
from hicra.related.classic.exits.hierarchy import NOWHERE, Hierarchy, build_hierarchy
from hicra.related.classic.exits.learners import FlatUCBVI, FlatWithInside, GraphUCBVI, Learner, learn
from hicra.related.classic.exits.mdp import TabularMDP, optimal, success
from hicra.related.classic.exits.rooms import FourRooms
from hicra.related.classic.exits.train import precision_recall, recover


def exact_hierarchy(tasks: list[TabularMDP], exits: np.ndarray) -> Hierarchy:
    """The hierarchy whose kernels are the true ones: the counts are a common multiple of the true chances."""
    counts = np.array([np.rint(task.kernel * 4000).astype(int) for task in tasks])
    return build_hierarchy(counts, exits, tasks[0].horizon)


def exact_plan(hierarchy: Hierarchy, task: TabularMDP) -> GraphPlan:
    """The plan that knows where every exit leads."""
    exits = hierarchy.exits
    kernel = task.kernel[exits[:, 0], exits[:, 1]]
    none = np.zeros(len(exits))
    return plan_graph(options_for(hierarchy, task.goals), kernel, none, none.astype(int), task.horizon)


def test_the_plan_of_the_corridor_by_hand() -> None:
    hierarchy = exact_hierarchy([corridor(1.0), corridor(0.0)], EXITS)
    task = corridor(0.5, horizon=4)
    plan = exact_plan(hierarchy, task)
    # 0 -> 1, the door opens with 1/2 at step 1, or else at step 2; then one step to the goal. 1/2 + 1/4.
    assert plan.values[0, 0] == pytest.approx(0.75) == plan.success(task)
    assert plan.choices[0].tolist()[:3] == [0, 0, 2]  # the door; and in the second room the goal
    agent = plan.begins()
    assert [agent.act(0, 0), agent.act(1, 1), agent.act(2, 1), agent.act(3, 2)] == [1, 1, 1, 1]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("spare", [0, 1, 6])
def test_without_slips_the_planner_equals_exact_dynamic_programming(seed, spare) -> None:
    rooms = FourRooms(side=3, doors=2, slip=0.0, horizon=10 + spare)
    hierarchy = exact_hierarchy(rooms.training(5, seed), rooms.exits())
    task = rooms.test(seed)
    best = optimal(task)[0]
    plan = exact_plan(hierarchy, task)
    np.testing.assert_allclose(plan.values[:, ~task.goals], best[:, ~task.goals], atol=1e-12)
    assert plan.success(task) == pytest.approx(best[0, task.start])


@pytest.mark.parametrize("seed", range(6))
def test_doors_that_open_by_chance_are_planned_exactly(seed) -> None:
    # Each door opens with a chance of its own, so which way to take depends on the steps that are left.
    rooms = FourRooms(side=2, doors=2, slip=0.0, horizon=8)
    ends = [rooms.task([place] * 4) for place in (0, 1)]
    chance = np.random.default_rng(seed)
    kernel = ends[0].kernel.copy()
    for state, action in np.argwhere(rooms.exits()):
        opens = chance.uniform(0.1, 0.9)
        beside = next(int(one.kernel[state, action].argmax()) for one in ends if one.kernel[state, action, state] < 1)
        kernel[state, action] = 0
        kernel[state, action, [state, beside]] = 1 - opens, opens
    task = TabularMDP(kernel, ends[0].goals, ends[0].start, 8)
    best = optimal(task)[0][0, task.start]
    plan = exact_plan(exact_hierarchy(ends, rooms.exits()), task)
    assert plan.success(task) == pytest.approx(plan.values[0, task.start])
    # Options go straight to one exit, and an optimal policy does too, where every step is sure: nothing is lost.
    assert plan.success(task) == pytest.approx(best)
    assert 0.1 < best < 0.999


@pytest.mark.parametrize("seed", range(4))
def test_with_slips_the_planner_believes_exactly_what_its_plan_is_worth(seed) -> None:
    rooms = FourRooms(side=3, doors=2, slip=0.2, horizon=14)
    task = rooms.test(seed)
    plan = exact_plan(exact_hierarchy(rooms.training(5, seed), rooms.exits()), task)
    best = optimal(task)[0][0, task.start]
    assert plan.success(task) == pytest.approx(plan.values[0, task.start], abs=1e-9)
    # An option that slips on its way goes on to its exit, where an optimal policy would now and then turn to another one.
    assert best - 0.05 < plan.success(task) <= best + 1e-12


def test_the_success_of_a_plan_is_that_of_its_agent() -> None:
    rooms = FourRooms(side=2, doors=2, slip=0.3, horizon=9)
    task = rooms.test(0)
    plan = exact_plan(exact_hierarchy(rooms.training(4, 0), rooms.exits()), task)
    chance, won, episodes = np.random.default_rng(0), 0, 3000
    for _ in range(episodes):
        agent, state = plan.begins(), task.start
        for step in range(task.horizon):
            state = int(chance.choice(task.states, p=task.kernel[state, agent.act(step, state)]))
            if task.goals[state]:
                won += 1
                break
    exact = plan.success(task)
    assert 0.2 < exact < 0.8
    assert abs(won / episodes - exact) < 4 * np.sqrt(exact * (1 - exact) / episodes)


def test_where_no_option_can_be_begun_nothing_is_hoped_for() -> None:
    counts = drawn([corridor(1.0), corridor(0.0)], 50, 0)
    counts[:, 2:], counts[:, :, :, 2:] = 0, 0  # training never came into the second room
    exits = EXITS.copy()
    exits[2] = False
    plan = exact_plan(build_hierarchy(counts, exits, 5), corridor(1.0, horizon=5))
    assert plan.choices[:, 2].tolist() == [NOWHERE] * 5
    assert plan.values[0, 2] == 0
    agent = plan.begins()
    assert [agent.act(0, 0), agent.act(1, 1), agent.act(2, 2)] == [1, 1, 0]
    # Action 0 in cell 2 goes back to cell 1, and so on: the goal is never reached.
    assert plan.success(corridor(1.0, horizon=5)) == 0


# ---- learners
def learners(task: TabularMDP, hierarchy: Hierarchy, episodes: int, scale: float = 1.0) -> dict[str, Learner]:
    return {
        "flat": FlatUCBVI(task, episodes, scale=scale),
        "inside": FlatWithInside(hierarchy, task, episodes, scale=scale),
        "graph": GraphUCBVI(hierarchy, task, episodes, scale=scale),
    }


@pytest.mark.parametrize("seed", range(3))
def test_values_are_optimistic_and_fall_with_what_was_seen(seed) -> None:
    rooms = FourRooms(side=2, doors=2, slip=0.2, horizon=8)
    task = rooms.test(seed)
    hierarchy = exact_hierarchy(rooms.training(4, seed), rooms.exits())
    best = optimal(task)[0][0, task.start]
    learner = GraphUCBVI(hierarchy, task, 100)
    found = learn(task, learner, 100, seed)
    believed = [learner.plan(times * found.counts).values[0, task.start] for times in (1, 10, 1000)]
    assert believed[0] >= best - 1e-9
    assert found.regret.min() >= -1e-9
    # the bonus of a pair shrinks with its visits, so what is believed of the same shares falls
    assert believed[0] > believed[1] > believed[2]


def test_a_learner_that_has_seen_all_plays_the_optimal_policy() -> None:
    rooms = FourRooms(side=2, doors=2, slip=0.1, horizon=10)
    task = rooms.test(1)
    hierarchy = exact_hierarchy(rooms.training(4, 1), rooms.exits())
    many = np.rint(task.kernel * 40_000_000).astype(np.int64)
    best = optimal(task)[0][0, task.start]
    for name, learner in learners(task, hierarchy, 100).items():
        assert learner.plan(many).success(task) == pytest.approx(best, abs=0.02 if name == "graph" else 1e-3), name


def test_learning_is_the_same_for_the_same_seed_and_other_for_another() -> None:
    rooms = FourRooms(side=2, doors=2)
    task = rooms.test(0)
    one, same, other = (learn(task, FlatUCBVI(task, 40, scale=0.1), 40, seed) for seed in (5, 5, 6))
    assert (one.counts == same.counts).all()
    assert (one.counts != other.counts).any()
    assert one.counts.sum() <= 40 * task.horizon


@pytest.mark.slow
def test_training_tasks_show_the_exits_and_their_hierarchy_saves_regret() -> None:
    rooms = FourRooms(side=2, doors=2, slip=0.1)
    found = recover(rooms.training(5, 0), 1200, outcomes=5, seed=0, scale=0.3)
    assert precision_recall(found.exits, rooms.exits()) == (1.0, 1.0)
    assert found.hierarchy.clusters.tolist() == [rooms.room(cell) for cell in range(16)]
    saved = []
    for seed in range(4):
        task = rooms.test(seed)
        regret = {
            name: learn(task, learner, 150, seed).regret.sum()
            for name, learner in learners(task, found.hierarchy, 150, 0.1).items()
        }
        saved.append(regret["flat"] - regret["graph"])
        assert regret["inside"] < regret["flat"]
    assert min(saved) > 0


def test_training_on_tasks_of_two_shapes_is_refused() -> None:
    with pytest.raises(DataError, match="two tasks or more with the same states"):
        recover([corridor(), FourRooms().test(0)], 1, 2, 0)
    with pytest.raises(DataError, match="1 training tasks"):
        recover([corridor()], 1, 2, 0)


def test_the_flat_learner_is_ucbvi_on_the_first_episodes() -> None:
    # Nothing is known, so all is worth 1, and each action of the start is tried once before any a second time.
    task = corridor(1.0, horizon=3)
    first = FlatUCBVI(task, 10).plan(np.zeros((4, 2, 4), int))
    assert (first.policy == 0).all()
    counts = np.zeros((4, 2, 4), int)
    counts[0, 0, 0] = 3
    assert FlatUCBVI(task, 10).plan(counts).policy[:, 0].tolist() == [1, 1, 1]
    assert success(task, first.policy) == 0
