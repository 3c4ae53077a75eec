"""The point maze of gymnasium-robotics, and demonstrations of a planner in it.

A ball in a maze is pushed by forces; its goal is a place. The planner goes from cell to cell by the shortest way and pushes
towards the middle of the next one.

Deviations (arXiv:2306.06394 is known from descriptions and from the code of a sibling method):
PEAR-5. The paper's maze is another one. An episode ends at success. Demonstrations are 20, of a planner, and not 100.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import gymnasium_robotics
import numpy as np

from hicra.arrays import Array, Floats
from hicra.errors import DataError
from hicra.install import install_command
from hicra.related.classic.refusals import opened

gym.register_envs(gymnasium_robotics)
NEAR = 0.45  # distance within which the package counts a goal as reached
PUSH, BRAKE = 10.0, 2.0  # of the planner: force for a distance, and against a speed


def open_maze(name: str = "PointMaze_UMaze-v3", longest: int = 150) -> Any:
    """Opens a point maze whose episodes end at success, or after `longest` steps; the reward is 1 at success, else 0.

    Raises:
        ConfigError: the package has no such maze, as another version of it has not.
    """
    fix = install_command("classic")
    return opened(name, fix, max_episode_steps=longest, continuing_task=False, reset_target=False)


def places(world: Any) -> Floats:
    """Returns the least and the greatest coordinates [2,2] of the middles of open cells, half a cell wider on each side."""
    maze = world.unwrapped.maze
    free = np.argwhere(np.array(maze.maze_map, dtype=object) != 1)
    middles = np.array([maze.cell_rowcol_to_xy(cell) for cell in free], np.float64)
    half = maze.maze_size_scaling / 2
    bounds: Floats = np.stack([middles.min(axis=0) - half, middles.max(axis=0) + half])
    return bounds


@dataclass(frozen=True)
class Demonstration:
    """What the planner did in an episode.

    Attributes:
        states: [N,D] observations.
        places: [N,G] where each of them is.
        actions: [N-1,A].
        goal: [G].
    """

    states: Floats
    places: Floats
    actions: Floats
    goal: Floats


def demonstrate(world: Any, seed: int) -> Demonstration:
    """Plays an episode by the planner.

    Raises:
        DataError: it does not come to the goal within the episode.
    """
    seen, _ = world.reset(seed=seed)
    states, there, actions = [seen["observation"]], [seen["achieved_goal"]], []
    while True:
        aim = _next_middle(world, seen["achieved_goal"], seen["desired_goal"])
        force = PUSH * (aim - seen["achieved_goal"]) - BRAKE * seen["observation"][2:4]
        actions.append(np.clip(force, -1, 1).astype(np.float32))
        seen, _, won, cut, _ = world.step(actions[-1])
        states.append(seen["observation"])
        there.append(seen["achieved_goal"])
        if won:
            break
        if cut:
            raise DataError(
                f"the planner did not reach the goal of seed {seed} in {len(actions)} steps", "give longer episodes"
            )
    return Demonstration(
        np.array(states), np.array(there), np.array(actions, np.float64), np.array(seen["desired_goal"])
    )


def _next_middle(world: Any, here: Array, goal: Array) -> Array:
    """Returns where to push to: the middle of the next cell of a shortest way, or the goal where it lies in this cell."""
    maze = world.unwrapped.maze
    start, end = (tuple(int(one) for one in maze.cell_xy_to_rowcol(xy)) for xy in (here, goal))
    came: dict[Any, Any] = {end: None}
    waiting = deque([end])
    while waiting and start not in came:
        row, column = waiting.popleft()
        for cell in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if cell not in came and maze.maze_map[cell[0]][cell[1]] != 1:
                came[cell] = (row, column)
                waiting.append(cell)
    following = came[start]
    return goal if following is None else np.array(maze.cell_rowcol_to_xy(np.array(following)))
