"""Four rooms as a picture of minigrid, and the named error without it."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from hicra.errors import ConfigError, DataError
from hicra.related.classic.exits.rooms import FourRooms
from hicra.related.classic.exits.show import cell, picture


def test_a_picture_shows_the_goal_and_each_open_door_where_it_is() -> None:
    pytest.importorskip("minigrid")
    rooms, tile = FourRooms(side=3, doors=2), 8
    one, other = (picture(rooms, [place, 0, 0, 0], tile=tile) for place in (0, 1))
    assert one.shape == (9 * tile, 9 * tile, 3)
    cells = np.abs(one.astype(int) - other).reshape(9, tile, 9, tile, 3).sum(axis=(1, 3, 4))
    assert np.argwhere(cells).tolist() == [[1, 4], [3, 4]]  # the two places in the wall between rooms 0 and 1
    assert cell(rooms, rooms.corner(3)) == (7, 7)
    green = one[7 * tile + 4, 7 * tile + 4]
    assert green[1] > green[0]
    with pytest.raises(DataError, match="a place from 0 to 1"):
        picture(rooms, [0, 0, 0, 5])


def test_without_minigrid_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "minigrid", None)
    monkeypatch.setitem(sys.modules, "minigrid.core.grid", None)
    with pytest.raises(ConfigError, match=r"minigrid.*\[minigrid\]|\[minigrid\]"):
        picture(FourRooms(), [0, 0, 0, 0])


def test_another_version_of_minigrid_is_not_said_to_be_missing(monkeypatch) -> None:
    for name in ("minigrid", "minigrid.core", "minigrid.core.grid"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    with pytest.raises(ConfigError, match=r"a picture cannot use minigrid in the version .*cannot import name 'Grid'"):
        picture(FourRooms(), [0, 0, 0, 0])
