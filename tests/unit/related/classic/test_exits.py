"""Exits: bonus and radius by hand, what is found beyond the predicted sample size, and the clusters."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exit_worlds import EXITS, corridor, drawn
from hicra.errors import ConfigError, DataError
from hicra.related.classic.exits.detect import find_exits, radius, samples_needed
from hicra.related.classic.exits.hierarchy import NOWHERE, build_hierarchy, clusters_of, reach
from hicra.related.classic.exits.rooms import FourRooms
from hicra.related.classic.exits.train import precision_recall
from hicra.related.classic.exits.ucbvi import bonus, empirical, log_term, optimistic


# ---- bonus
def test_the_bonus_by_hand() -> None:
    # 2 * 10 pairs * 5 steps * 100 episodes / 0.1 = 100,000; ln of it = 11.5129; sqrt(11.5129 / (2 * 8)) = 0.848
    log = log_term(10, 5, 100, 0.1)
    assert log == pytest.approx(11.512925)
    assert bonus(np.array([8]), log)[0] == pytest.approx(0.848267)
    assert bonus(np.array([32]), log)[0] == pytest.approx(0.848267 / 2)  # four times the draws, half the width
    assert bonus(np.array([8]), log, scale=0.5)[0] == pytest.approx(0.848267 / 2)
    assert bonus(np.array([0]), log, scale=0.01)[0] == 1  # what was never tried may be worth everything


def test_optimistic_values_by_hand() -> None:
    # Two states, one of them the goal; action 0 led there 1 of 4 times, action 1 was never tried.
    kernel = empirical(np.array([[[3, 1], [0, 0]], [[0, 0], [0, 0]]]))
    visits, goals = np.array([[4, 0], [0, 0]]), np.array([False, True])
    wide = np.array([[0.25, 0.0], [0.0, 0.0]])
    values, policy = optimistic(kernel, wide, visits, goals, horizon=2)
    assert values[1, 0] == pytest.approx(0.5)  # 1/4 and the bonus
    assert values[0, 0] == pytest.approx(0.875)  # 3/4 * 1/2 + 1/4 + 1/4
    assert policy[:, 0].tolist() == [0, 0]
    untried, policy = optimistic(kernel, np.array([[0.25, 1.0], [1.0, 1.0]]), visits, goals, horizon=2)
    assert untried[0, 0] == 1
    assert policy[:, 0].tolist() == [1, 1]


def test_of_equal_actions_the_one_tried_least_is_taken() -> None:
    kernel = np.zeros((2, 3, 2))
    _, policy = optimistic(kernel, np.ones((2, 3)), np.array([[3, 1, 2], [0, 0, 0]]), np.array([False, True]), 1)
    assert policy[0, 0] == 1


# ---- radius
def test_the_radius_by_hand() -> None:
    # K = 2: 2^2 - 2 = 2. P = 5, delta = 0.1, n = 4: ln(2 * 5 * 4 * 5 / 0.1) = ln 2000 = 7.6009; sqrt(2 * 7.6009 / 4) = 1.9495
    assert radius(np.array([4]), outcomes=2, pairs=5, delta=0.1)[0] == pytest.approx(1.949475, abs=1e-6)
    # K = 5: 2^5 - 2 = 30, n = 9: ln(30 * 5 * 90 / 0.1) = ln 135000 = 11.8130; sqrt(2 * 11.8130 / 9) = 1.6202
    assert radius(np.array([9]), outcomes=5, pairs=5, delta=0.1)[0] == pytest.approx(1.620222, abs=1e-6)
    assert radius(np.array([0]), 2, 5)[0] == math.inf


def test_the_sample_size_is_the_smallest_whose_four_radii_fit() -> None:
    for gap, outcomes, pairs in ((1.8, 5, 720), (2.0, 2, 8), (0.4, 4, 100)):
        n = samples_needed(gap, outcomes, pairs)
        assert 4 * radius(np.array([n]), outcomes, pairs)[0] < gap <= 4 * radius(np.array([n - 1]), outcomes, pairs)[0]


@settings(deadline=None)
@given(st.integers(1, 10_000), st.integers(2, 12), st.integers(1, 500), st.floats(0.001, 0.9))
def test_the_radius_shrinks_with_draws_and_grows_with_what_it_must_hold_for(n, outcomes, pairs, delta) -> None:
    at = radius(np.array([n, n + 1]), outcomes, pairs, delta)
    assert at[1] < at[0] or n == 1  # of one draw ln n (n + 1) grows faster than n, where the rest is small
    assert radius(np.array([n]), outcomes + 1, pairs, delta)[0] > at[0]
    assert radius(np.array([n]), outcomes, pairs + 1, delta)[0] > at[0]
    assert radius(np.array([n]), outcomes, pairs, delta / 2)[0] > at[0]


def test_kernels_lie_within_their_radius_more_often_than_promised() -> None:
    task, samples, delta = FourRooms(side=2, doors=2).task([0, 0, 0, 0]), 20, 0.5
    within = radius(np.array([samples]), 5, 64, delta)[0]
    farthest = [
        np.abs(empirical(drawn([task], samples, seed)[0]) - task.kernel).sum(axis=2).max() for seed in range(40)
    ]
    assert np.mean([one > within for one in farthest]) <= delta
    assert max(farthest) > within / 3  # and no radius would do that is much smaller


# ---- exits
@pytest.mark.parametrize("seed", range(5))
def test_all_exits_and_nothing_else_beyond_the_predicted_sample_size(seed) -> None:
    rooms = FourRooms(side=3, doors=2, slip=0.1)
    tasks = rooms.training(5, seed)
    predicted = samples_needed(2 * 0.9, outcomes=5, pairs=36 * 4 * 5)
    found = find_exits(drawn(tasks, predicted, seed), outcomes=5)
    assert precision_recall(found, rooms.exits()) == (1.0, 1.0)


def test_too_few_draws_show_no_exit_rather_than_a_wrong_one() -> None:
    rooms = FourRooms(side=3, doors=2, slip=0.1)
    # radii of more than 0.9 each hide even kernels that are as far apart as two can be
    few = next(n for n in range(1, 500) if radius(np.array([n]), 5, 720)[0] <= 1) - 1
    assert not find_exits(drawn(rooms.training(5, 0), few, 0), outcomes=5).any()


@pytest.mark.parametrize("samples", [1, 10, 300, 3000])
def test_identical_tasks_have_no_exits(samples) -> None:
    rooms = FourRooms(side=3, doors=2, slip=0.1)
    same = [rooms.task([0, 1, 0, 1])] * 5
    assert not find_exits(drawn(same, samples, samples), outcomes=5).any()


def test_what_one_task_has_not_tried_is_no_exit() -> None:
    counts = drawn([corridor(1.0), corridor(0.0)], 200, 0)
    assert (find_exits(counts, outcomes=2) == EXITS).all()
    counts[1, 1, 1] = 0  # the closed door was never tried
    assert np.argwhere(find_exits(counts, outcomes=2)).tolist() == [[2, 0]]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: find_exits(np.zeros((1, 4, 2, 4), int), 2), "two tasks or more"),
        (lambda: radius(np.array([1]), 1, 5), "1 outcomes"),
        (lambda: radius(np.array([1]), 2, 5, delta=1.0), "delta"),
        (lambda: samples_needed(0.0, 2, 5), "a gap of 0"),
        (lambda: log_term(0, 1, 1), "0 pairs"),
        (lambda: log_term(1, 1, 1, delta=0), "delta 0"),
        (lambda: build_hierarchy(np.zeros((2, 4, 2, 4), int), EXITS, 1), "1 steps"),
        (lambda: reach(np.zeros((1, 1, 1)), np.ones((1, 1, 1), bool), np.ones((1, 1), bool), 1.0), "gamma is 1.0"),
    ],
)
def test_what_cannot_be_is_refused(call, says) -> None:
    with pytest.raises((ConfigError, DataError), match=says):
        call()


# ---- clusters and policies
def test_clusters_are_the_rooms() -> None:
    rooms = FourRooms(side=3, doors=2)
    counts = drawn(rooms.training(5, 0), 50, 0)
    found = clusters_of(counts.sum(axis=0), rooms.exits())
    assert found.tolist() == [rooms.room(cell) for cell in range(36)]
    assert set(clusters_of(counts.sum(axis=0), np.zeros((36, 4), bool))) == {0}  # without exits all is one


def test_a_state_that_was_never_seen_is_in_no_cluster() -> None:
    counts = drawn([corridor(0.0)], 20, 0)[0]
    counts[2:] = 0
    assert clusters_of(counts, EXITS).tolist() == [0, 0, NOWHERE, NOWHERE]


def test_the_policy_for_an_exit_by_hand() -> None:
    made = build_hierarchy(drawn([corridor(1.0), corridor(0.0)], 50, 0), EXITS, horizon=10)
    assert made.exits.tolist() == [[1, 1], [2, 0]]
    assert made.clusters.tolist() == [0, 0, 1, 1]
    assert made.policies.tolist() == [[1, 1, NOWHERE, NOWHERE], [NOWHERE, NOWHERE, 0, 0]]
    assert made.inside.tolist() == [[True, True], [True, False], [False, True], [True, True]]
    assert made.gamma == 0.9


def test_reaching_takes_the_shortest_way_and_counts_its_steps() -> None:
    task = FourRooms(side=3, doors=2, slip=0.0).task([0, 0, 0, 0])
    allowed = np.ones((1, 36, 4), bool)
    _, values = reach(task.kernel, allowed, np.arange(36)[None] == 0, gamma=0.5)
    assert values[0, [0, 1, 7, 14]] == pytest.approx([1, 0.5, 0.25, 0.0625])
    nothing, values = reach(task.kernel, np.zeros_like(allowed), np.arange(36)[None] == 0, gamma=0.5)
    assert set(nothing[0]) == {NOWHERE}
    assert values.sum() == 1


def test_reaching_waits_for_the_safe_way_where_slips_cost_more() -> None:
    # From 0 action 0 arrives with 1/2 and falls into a hole otherwise; action 1 arrives after 2 sure steps.
    kernel = np.zeros((4, 2, 4))
    kernel[0, 0, [3, 2]], kernel[0, 1, 1], kernel[1, :, 3], kernel[2, :, 2], kernel[3, :, 3] = 0.5, 1, 1, 1, 1
    allowed, target = np.ones((1, 4, 2), bool), np.arange(4)[None] == 3
    policy, values = reach(kernel, allowed, target, gamma=0.9)
    assert (policy[0, 0], values[0, 0]) == (1, pytest.approx(0.81))  # against 0.9 / 2
    policy, values = reach(kernel, allowed, target, gamma=0.4)
    assert (policy[0, 0], values[0, 0]) == (0, pytest.approx(0.2))  # against 0.16
