"""The family of four rooms: a grid of four square rooms whose doors move from task to task.

    room 0 | room 1        A wall has no width of its own; each of the four walls between rooms has `doors` places for a door,
    -------+-------        of which one is open in a task. The cell on either side of a place, with the action that leads
    room 2 | room 3        through it, is an exit: there, and nowhere else, tasks differ.

Deviations (arXiv:2110.09507 is known by its abstract):
EXITS-2. With the chance `slip` a move goes in any of the four directions alike, and a slip never passes a door, so that what does
    not lead through a door is the same in every task.
EXITS-3. Training tasks begin in each room in turn and end in the opposite one, and each place is open in one of them and closed
    in another: the diversity that the paper asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hicra.arrays import Bools
from hicra.errors import ConfigError, DataError
from hicra.related.classic.exits.mdp import TabularMDP

UP, RIGHT, DOWN, LEFT = range(4)
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
WALLS = (
    (0, 1),
    (2, 3),
    (0, 2),
    (1, 3),
)  # the rooms on both sides of each wall; the first two walls stand, the others lie
OPPOSITE = (3, 2, 1, 0)


@dataclass(frozen=True)
class FourRooms:
    """What all tasks of the family share. Cells are numbered row by row, states are cells.

    Args:
        side: cells on a side of a room.
        doors: places for a door in each wall.
        slip: chance that a move goes anywhere, in [0, 1).
        horizon: the most actions of an episode; None is twice the longest way between opposite corners, 2 (4 side - 2).

    Raises:
        ConfigError: a room has fewer than 2 cells on a side, a wall has no room for the places, or fewer than two of them, or
            `slip` lies outside [0, 1).
    """

    side: int = 3
    doors: int = 2
    slip: float = 0.1
    horizon: int | None = None

    def __post_init__(self) -> None:
        if self.side < 2 or not 2 <= self.doors <= self.side:
            raise ConfigError(
                f"rooms of side {self.side} with {self.doors} places for a door in each wall",
                "give 2 cells or more, and from 2 places, so that the open door can move, to one for each cell of the wall",
            )
        if not 0 <= self.slip < 1:
            raise ConfigError(f"slip is {self.slip}", "give a chance in [0, 1), such as 0.1")

    @property
    def states(self) -> int:
        return 4 * self.side**2

    @property
    def steps(self) -> int:
        return self.horizon or 2 * (4 * self.side - 2)

    def room(self, state: int) -> int:
        """Returns the number of the room that a cell lies in."""
        row, column = divmod(state, 2 * self.side)
        return 2 * (row // self.side) + column // self.side

    def corner(self, room: int) -> int:
        """Returns the outer corner of a room."""
        last = 2 * self.side - 1
        return (last if room >= 2 else 0) * 2 * self.side + (last if room % 2 else 0)

    def places(self, wall: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """Returns both exits ((state, action), (state, action)) of each place for a door in a wall, evenly spread along it."""
        first, standing = WALLS[wall][0], wall < 2
        row, column = self.side * (first // 2), self.side * (first % 2)
        found = []
        for number in range(self.doors):
            along = round(number * (self.side - 1) / (self.doors - 1))
            if standing:
                here = (row + along) * 2 * self.side + column + self.side - 1
                found.append(((here, RIGHT), (here + 1, LEFT)))
            else:
                here = (row + self.side - 1) * 2 * self.side + column + along
                found.append(((here, DOWN), (here + 2 * self.side, UP)))
        return found

    def exits(self) -> Bools:
        """Returns the exits of the family, [S,A] bool."""
        found = np.zeros((self.states, 4), np.bool_)
        for wall in range(4):
            for sides in self.places(wall):
                for state, action in sides:
                    found[state, action] = True
        return found

    def task(self, opened: Sequence[int], start: int = 0, goal: int = 3) -> TabularMDP:
        """Makes a task.

        Args:
            opened: [4] the number of the place that is open in each wall.
            start, goal: rooms whose outer corners an episode begins and ends in.

        Raises:
            DataError: a wall has no such place, or start and goal are one room.
        """
        if len(opened) != 4 or not all(0 <= one < self.doors for one in opened) or start == goal:
            raise DataError(
                f"a task with the doors {list(opened)} from room {start} to room {goal}",
                f"give a place from 0 to {self.doors - 1} for each of the four walls, and two rooms",
            )
        through: dict[tuple[int, int], int] = {}
        for wall, place in enumerate(opened):
            one, other = self.places(wall)[place]
            through |= {one: other[0], other: one[0]}
        kernel = np.zeros((self.states, 4, self.states))
        for state in range(self.states):
            slipped = [self._beside(state, action) for action in range(4)]
            for action in range(4):
                ahead = through.get((state, action), slipped[action])
                kernel[state, action, ahead] += 1 - self.slip
                for other_state in slipped:
                    kernel[state, action, other_state] += self.slip / 4
        goals = np.arange(self.states) == self.corner(goal)
        return TabularMDP(kernel, goals, self.corner(start), self.steps)

    def training(self, count: int, seed: int) -> list[TabularMDP]:
        """Makes training tasks (EXITS-3).

        Raises:
            ConfigError: there are fewer tasks than places in a wall, so that a place would be closed in all of them, or the seed
                is negative.
        """
        if count < self.doors:
            raise ConfigError(
                f"{count} training tasks for {self.doors} places in each wall", f"make {self.doors} tasks or more"
            )
        drawn = _chance(seed)
        opened = [drawn.permutation(np.arange(count) % self.doors) for _ in range(4)]
        return [
            self.task([int(wall[number]) for wall in opened], number % 4, OPPOSITE[number % 4])
            for number in range(count)
        ]

    def test_doors(self, seed: int) -> list[int]:
        """Draws the open places of a new task.

        Raises:
            ConfigError: the seed is negative.
        """
        return [int(place) for place in _chance(seed, 1).integers(self.doors, size=4)]

    def test(self, seed: int) -> TabularMDP:
        """Makes a new task from room 0 to room 3, with the doors of `test_doors`."""
        return self.task(self.test_doors(seed))

    def _beside(self, state: int, action: int) -> int:
        """Returns the cell that a move leads to where every door is closed."""
        row, column = divmod(state, 2 * self.side)
        row, column = row + MOVES[action][0], column + MOVES[action][1]
        if not (0 <= row < 2 * self.side and 0 <= column < 2 * self.side):
            return state
        there = row * 2 * self.side + column
        return there if self.room(there) == self.room(state) else state


def _chance(seed: int, *more: int) -> np.random.Generator:
    """Returns where random numbers come from."""
    if seed < 0:
        raise ConfigError(f"a seed of {seed}", "give 0 or a larger number")
    return np.random.default_rng([seed, *more] if more else seed)
