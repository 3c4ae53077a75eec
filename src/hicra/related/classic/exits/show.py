"""Shows four rooms as a picture of the package minigrid (Chevalier-Boisvert and others 2023); needs the extra `minigrid`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hicra.related.classic.exits.rooms import FourRooms
from hicra.related.named import unusable


def picture(rooms: FourRooms, opened: Sequence[int], start: int = 0, goal: int = 3, tile: int = 24) -> Any:
    """Draws a task: walls between rooms have a width of their own here, with a door at each place, and one open in each wall.

    Args:
        rooms, opened, start, goal: as of `FourRooms.task`.
        tile: pixels of a cell.

    Returns:
        [height,width,3] uint8.

    Raises:
        ConfigError: minigrid is not installed, or in another version.
        DataError: there is no such task.
    """
    try:
        from minigrid.core.grid import Grid
        from minigrid.core.world_object import Door, Goal, Wall
    except ImportError as error:
        raise unusable(error, "minigrid", "a picture") from None
    rooms.task(opened, start, goal)
    size = 2 * rooms.side + 3
    grid = Grid(size, size)
    for line in (0, rooms.side + 1, size - 1):
        for along in range(size):
            grid.set(line, along, Wall())
            grid.set(along, line, Wall())
    for wall, place in enumerate(opened):
        for number, ((here, _), (there, _)) in enumerate(rooms.places(wall)):
            (row, column), (other_row, other_column) = cell(rooms, here), cell(rooms, there)
            door = Door("yellow", is_open=number == place)
            grid.set((column + other_column) // 2, (row + other_row) // 2, door)
    row, column = cell(rooms, rooms.corner(goal))
    grid.set(column, row, Goal())
    row, column = cell(rooms, rooms.corner(start))
    return grid.render(tile, (column, row), 0)


def cell(rooms: FourRooms, state: int) -> tuple[int, int]:
    """Returns the row and the column in the picture, where walls have a width, of a state."""
    row, column = divmod(state, 2 * rooms.side)
    return row + 1 + (row >= rooms.side), column + 1 + (column >= rooms.side)
