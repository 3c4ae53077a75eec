"""One training of PEAR in the point maze: what is imitated, when demonstrations are cut anew, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")
pytest.importorskip("gymnasium_robotics")

from hicra.errors import ConfigError
from hicra.related.classic.pear.maze import Demonstration, open_maze
from hicra.related.classic.pear.train import Imitated, PearSettings, train_pear

pytestmark = pytest.mark.slow


def test_what_is_imitated_by_hand() -> None:
    """Four states at 0, 1, 2, 3 of a line, with the goal 3, cut at state 2: two pairs of the high level, three of the low one."""
    at = np.arange(4.0)[:, None]
    shown = Demonstration(np.hstack([at, at + 10]), at, np.array([[0.1], [0.2], [0.3]]), np.array([3.0]))
    imitated = Imitated([shown], seed=0, batch=200)
    assert imitated.draw_high() is imitated.draw_low() is None
    imitated.cut(lambda one: [(0, 2), (2, 3)], lambda goals: goals - 2.5, lambda actions: 10 * actions)
    seen, goals = imitated.draw_high()
    pairs = {(*map(float, one), float(goal)) for one, (goal,) in zip(seen, goals, strict=True)}
    assert pairs == {(0, 10, 3, -0.5), (2, 12, 3, 0.5)}  # state, goal, and subgoal of the scale
    asked, actions = imitated.draw_low()
    rows = zip(
        asked["observation"][:, 0],
        asked["achieved_goal"][:, 0],
        asked["desired_goal"][:, 0],
        actions[:, 0],
        strict=True,
    )
    assert {tuple(map(float, row)) for row in rows} == {(0, 0, 2, 1), (1, 1, 2, 2), (2, 2, 3, 3)}
    imitated.cut(lambda one: [], lambda goals: goals, lambda actions: actions)
    assert imitated.draw_high() is imitated.draw_low() is None


@pytest.mark.parametrize(("every", "cuts"), [(1, lambda taken: taken), (4, lambda taken: (taken + 3) // 4)])
def test_demonstrations_are_cut_at_the_first_step_and_then_as_often_as_is_asked(every: int, cuts: Any) -> None:
    settings = PearSettings(steps=150, demonstrations=1, width=8, batch=8, relabel_every=every)
    found = train_pear(settings, evaluations=1, episodes=1)
    assert len(found.subgoals) == cuts(found.high.num_timesteps)
    assert found.high.num_timesteps >= 150 // 15
    ((steps, share),) = found.success
    assert steps >= 150
    assert share in (0, 1)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"arm": "peer"}, "did you mean 'pear'"), ({"seed": 2**32}, "seed is 4294967296"), ({"interval": 0}, "interval is 0"),
        ({"relabel_every": 0}, "relabel_every is 0"), ({"psi": -1.0}, "psi is -1"), ({"gamma": 1.0}, "gamma is 1"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        PearSettings(**given)


def test_a_maze_that_the_package_does_not_have_is_named() -> None:
    with pytest.raises(ConfigError, match=r"'PointMaze_UMaze-v9'.*\n  fix: pip install .*\[classic\]"):
        open_maze("PointMaze_UMaze-v9")
