"""The environment "minigrid": worlds of the package minigrid (Chevalier-Boisvert and others 2023) with a key and a door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from minigrid.envs import DoorKeyEnv, KeyCorridorEnv
from pydantic import Field

from hicra.errors import ConfigError, DataError
from hicra.related.environments.grid_world import GridWorld
from hicra.strict import Positive

TASKS = "use the key to open the door and then get to the goal pick up take reach"
SMALLEST = {"door_key": 5, "key_corridor": 3}


class MiniGrid(GridWorld):
    """The environment "minigrid".

    Args:
        world: door_key (a key, a locked door, a goal behind it) or key_corridor (a key in one room, a ball behind a locked door).
        size: cells on a side, walls included: of the whole grid of door_key (from 5), of each room of key_corridor (from 3).
        rows: rows of rooms, of key_corridor alone.
        view: "full" tells of every thing, "part" of those that the agent sees.
        discounted: whether success pays the less the later it comes.
        longest: the most actions of an episode.

    Raises:
        ConfigError: the size is too small for the world.
    """

    def __init__(
        self,
        *,
        world: Literal["door_key", "key_corridor"] = "door_key",
        size: Annotated[int, Field(ge=3, le=16)] = 6,
        rows: Annotated[int, Field(ge=1, le=3)] = 1,
        view: Literal["full", "part"] = "full",
        discounted: bool = False,
        longest: Positive = 30,
    ) -> None:
        settings = {
            "world": world, "size": size, "rows": rows, "view": view, "discounted": discounted, "longest": longest,
        }  # fmt: skip
        if size < SMALLEST[world]:
            raise ConfigError(f"task.settings.size is {size}, too small for {world}", f"give {SMALLEST[world]} or more")
        self._corridor = world == "key_corridor"
        env = (
            KeyCorridorEnv(num_rows=rows, room_size=size, max_steps=longest)
            if self._corridor
            else DoorKeyEnv(size=size, max_steps=longest)
        )
        super().__init__(
            "minigrid", TASKS, longest, settings, env,
            colours=self._corridor, part=view == "part", discounted=discounted,
        )  # fmt: skip

    def subgoals(self) -> Sequence[str]:
        """Returns which of "take key", "open door", and "reach goal" or "take ball", is still to be done, in order."""
        self._begun()
        return [one for one in self._order if not self.reached(one)]

    def reached(self, subgoal: str) -> bool:
        """Tells whether a subgoal is reached: the key is held or has unlocked the door, the door is open, the episode is won.

        Raises:
            DataError: this world has no such subgoal.
        """
        self._begun()
        if subgoal not in self._order:
            raise DataError(f"minigrid: this world has no subgoal {subgoal!r}", f"it has {', '.join(self._order)}")
        if subgoal == "take key":
            return not self._door.is_locked or self._env.carrying is self._key
        return self._won or (subgoal == "open door" and bool(self._door.is_open))

    @property
    def _order(self) -> tuple[str, str, str]:
        return "take key", "open door", "take ball" if self._corridor else "reach goal"

    @property
    def _won(self) -> bool:
        if self._corridor:
            return self._env.carrying is self._env.obj
        return bool(self._cell(*self._env.agent_pos) == self._goal)

    def _begin(self, seed: int) -> str:
        task = super()._begin(seed)
        self._key = next(one for one in self._things if one.type == "key")
        self._door = next(one for one in self._things if one.type == "door" and one.is_locked)
        self._goal = next((self._cell(*one.cur_pos) for one in self._things if one.type == "goal"), None)
        return task

    def _memory(self) -> Any:
        return None

    def _remember(self, memory: Any) -> None:
        """There is nothing to remember."""
