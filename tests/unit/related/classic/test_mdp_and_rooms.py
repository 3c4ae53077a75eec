"""Tabular tasks and the family of four rooms."""

from __future__ import annotations

import numpy as np
import pytest

from exit_worlds import RIGHT, corridor, trajectories
from hicra.errors import ConfigError, DataError
from hicra.related.classic.exits.mdp import TabularMDP, optimal, success
from hicra.related.classic.exits.rooms import DOWN, FourRooms
from hicra.related.classic.exits.rooms import LEFT as WEST
from hicra.related.classic.exits.rooms import RIGHT as EAST


def test_optimal_values_by_hand() -> None:
    # The door opens with 1/2. With 4 steps from cell 0 there is one step to spare: the door may fail once. 1/2 + 1/4.
    values, policy = optimal(corridor(0.5, horizon=4))
    assert values[0, 0] == pytest.approx(0.75)
    assert values[1, 0] == pytest.approx(0.5)
    assert values[2, 0] == 0  # two steps do not do
    assert values[0, 2] == values[3, 2] == 1  # one step to the goal
    assert policy[0].tolist()[:3] == [RIGHT] * 3


def test_success_is_that_of_every_trajectory() -> None:
    task = corridor(0.5, horizon=5)
    policy = np.random.default_rng(0).integers(2, size=(5, 4))
    policy[:, 1] = RIGHT
    found = 0.0
    for actions_seed in range(8):
        policy = np.random.default_rng(actions_seed).integers(2, size=4)
        one_hot = np.eye(2)[policy]
        expected = sum(chance * won for chance, won, _ in trajectories(task, one_hot))
        assert success(task, np.tile(policy, (5, 1))) == pytest.approx(expected)
        found += expected
    assert found > 0
    assert success(task, optimal(task)[1]) == pytest.approx(optimal(task)[0][0, 0])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kernel": np.ones((2, 2))}, "a kernel of shape"),
        ({"goals": np.array([True])}, "with goals of shape"),
        ({"kernel": np.full((4, 2, 4), 0.3)}, r"kernel\[0, 0\] is no distribution"),
        ({"start": 3}, "from state 3 of 4"),
        ({"horizon": 0}, "an episode of 0 steps"),
    ],
)
def test_a_task_that_cannot_be_is_refused(change, says) -> None:
    whole = corridor()
    given = {"kernel": whole.kernel, "goals": whole.goals, "start": 0, "horizon": 3}
    with pytest.raises(DataError, match=says):
        TabularMDP(**{**given, **change})


# ---- the rooms
def test_exits_are_exactly_where_tasks_differ() -> None:
    rooms = FourRooms(side=3, doors=2, slip=0.1)
    kernels = [rooms.task([one] * 4).kernel for one in range(2)]
    apart = np.abs(kernels[0] - kernels[1]).sum(axis=2)
    assert ((apart > 0) == rooms.exits()).all()
    assert rooms.exits().sum() == 4 * 2 * 2  # walls, places, sides
    assert apart[rooms.exits()] == pytest.approx(2 * 0.9)  # all but a slip goes elsewhere


def test_no_room_is_left_but_through_an_open_door() -> None:
    rooms = FourRooms(side=2, doors=2, slip=0.2)
    task = rooms.task([1, 0, 0, 1])
    room = np.array([rooms.room(cell) for cell in range(16)])
    crossing = task.kernel * (room[:, None, None] != room)
    assert np.argwhere(crossing.any(axis=2)).tolist() == sorted(
        [[5, EAST], [6, WEST], [9, EAST], [10, WEST], [4, DOWN], [8, 0], [7, DOWN], [11, 0]]
    )
    assert crossing[5, EAST, 6] == pytest.approx(0.8)


def test_a_slip_by_hand() -> None:
    task = FourRooms(side=2, doors=2, slip=0.2).task([0, 0, 0, 0])
    # In the corner cell 0, to the right: 0.8, and a quarter of 0.2 in each direction; up and left are walls.
    assert task.kernel[0, EAST, [0, 1, 4]] == pytest.approx([0.1, 0.85, 0.05])


def test_every_place_is_open_in_one_training_task_and_closed_in_another() -> None:
    rooms = FourRooms(side=4, doors=3)
    for seed in range(5):
        tasks = rooms.training(5, seed)
        kernels = np.array([task.kernel for task in tasks])
        for state, action in np.argwhere(rooms.exits()):
            stays = kernels[:, state, action, state]
            assert stays.max() > 0.9 > 0.2 > stays.min()
        assert [rooms.room(task.start) for task in tasks] == [0, 1, 2, 3, 0]


def test_the_shortest_way_takes_as_many_steps_as_cells() -> None:
    rooms = FourRooms(side=3, doors=2, slip=0.0, horizon=10)  # 5 down and 5 to the right, if the doors lie on the way
    assert optimal(rooms.task([0, 0, 0, 0]))[0][0, 0] == 1
    assert optimal(FourRooms(side=3, doors=2, slip=0.0, horizon=9).task([0, 0, 0, 0]))[0][0, 0] == 0


@pytest.mark.parametrize("given", [{"side": 1}, {"side": 3, "doors": 4}, {"doors": 1}, {"slip": 1.0}, {"slip": -0.1}])
def test_rooms_that_cannot_be_are_refused(given) -> None:
    with pytest.raises(ConfigError):
        FourRooms(**given)


def test_tasks_that_cannot_be_are_refused() -> None:
    rooms = FourRooms()
    with pytest.raises(DataError, match="a place from 0 to 1"):
        rooms.task([0, 0, 2, 0])
    with pytest.raises(DataError, match="two rooms"):
        rooms.task([0, 0, 0, 0], start=3)
    with pytest.raises(ConfigError, match="1 training tasks for 2 places"):
        rooms.training(1, 0)
    for draw in (lambda: rooms.training(2, -1), lambda: rooms.test(-1)):
        with pytest.raises(ConfigError, match="a seed of -1"):
            draw()
