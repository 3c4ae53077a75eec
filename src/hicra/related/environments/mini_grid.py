"""The environment "minigrid": grid worlds of the package minigrid (Chevalier-Boisvert and others 2023), played in words.

What is seen is told from where the agent stands: how far ahead or behind, and how far left or right, each thing is. Actions have
the names that the package gives them.

Deviations (the publications on trees and agents use other environments):
    MINIGRID-1. The reward is 1 at success, else 0. With `discounted` it is the package's own, 1 - 0.9 * actions / `longest`.
    MINIGRID-2. The text says the colour of a thing only in worlds where colours differ, and tells of a wall only where one is
        right in front.
    MINIGRID-3. The package's action `done`, which does nothing in these worlds, is left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Annotated, Any, Literal

from minigrid.core.actions import Actions
from minigrid.core.constants import COLOR_NAMES
from minigrid.envs import DoorKeyEnv, KeyCorridorEnv
from minigrid.minigrid_env import MiniGridEnv
from pydantic import Field

from hicra.errors import ConfigError, DataError
from hicra.related.environments.adapter import Searched
from hicra.strict import Positive

ACTIONS = ("left", "right", "forward", "pickup", "drop", "toggle")
MISSIONS = "use the key to open the door and then get to the goal pick up"
SMALLEST = {"door_key": 5, "key_corridor": 3}
WORDS = (
    *MISSIONS.split(), *ACTIONS, *COLOR_NAMES, "key", "door", "goal", "ball", "box", "wall", "locked", "closed", "open",
    "ahead", "behind", "left", "right", "here", "front", "hold", "nothing", ".", "take", "reach", *map(str, range(1, 40)),
)  # fmt: skip
HELD = -1  # the cell of a thing that the agent carries

Things = tuple[tuple[int, bool, bool], ...]  # of each thing: its cell, whether it is open, whether it is locked


class MiniGrid(Searched):
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
        super().__init__("minigrid", WORDS, longest, settings)
        if size < SMALLEST[world]:
            raise ConfigError(
                f"environment.settings.size is {size}, too small for {world}", f"give {SMALLEST[world]} or more"
            )
        self._corridor, self._part, self._discounted = world == "key_corridor", view == "part", discounted
        if self._corridor:
            self._env: Any = KeyCorridorEnv(num_rows=rows, room_size=size, max_steps=longest)
        else:
            self._env = DoorKeyEnv(size=size, max_steps=longest)
        self._env.gen_obs = (
            dict  # the package's picture of the world, which takes most of a step's time and is not used
        )
        self._last: float | None = None

    def subgoals(self) -> Sequence[str]:
        """Returns which of "take key", "open door", and "reach goal" or "take ball", is still to be done, in order."""
        self._begun()
        last = "take ball" if self._corridor else "reach goal"
        return [one for one in ("take key", "open door", last) if not self.reached(one)]

    def reached(self, subgoal: str) -> bool:
        """Tells whether a subgoal is reached: the key is held or has unlocked the door, the door is open, the episode is won.

        Raises:
            DataError: this world has no such subgoal.
        """
        self._begun()
        if subgoal == "take key":
            return not self._door.is_locked or self._env.carrying is self._key
        if subgoal == "open door":
            return bool(self._door.is_open) or self._won
        if subgoal == ("take ball" if self._corridor else "reach goal"):
            return self._won
        known = "take key, open door, " + ("take ball" if self._corridor else "reach goal")
        raise DataError(f"minigrid: this world has no subgoal {subgoal!r}", f"it has {known}")

    @property
    def _won(self) -> bool:
        if self._corridor:
            return self._env.carrying is self._env.obj
        return bool(self._cell(*self._env.agent_pos) == self._goal)

    def _begin(self, seed: int) -> str:
        env: MiniGridEnv = self._env
        env.reset(seed=seed)
        self._things = [one for one in env.grid.grid if one is not None and one.type != "wall"]
        self._walls = tuple(one is not None and one.type == "wall" for one in env.grid.grid)
        self._key = next(one for one in self._things if one.type == "key")
        self._door = next(one for one in self._things if one.type == "door" and one.is_locked)
        self._goal = next((self._cell(*one.cur_pos) for one in self._things if one.type == "goal"), None)
        self._last = None
        return f"{env.mission} ."

    def _act(self, text: str) -> bool:
        if text not in ACTIONS:
            return False
        self._env.step_count = self._clock - 1  # the package's clock, on which its own reward depends
        _, reward, terminated, _, _ = self._env.step(Actions[text])
        self._last = float(reward) if terminated else None
        return True

    def _paid(self) -> float | None:
        return self._last if self._last is None or self._discounted else float(self._last > 0)

    def _seen(self) -> str:
        told = sorted((one.type, one.color, self._cell(*one.cur_pos), one) for one in self._visible())
        things = "".join(f"{self._called(one)} {self._where(*one.cur_pos)} . " for *_, one in told)
        front = self._env.grid.get(*self._env.front_pos)
        held = self._env.carrying
        return (
            f"{things}front {self._called(front) if front else 'nothing'} . "
            f"hold {self._called(held) if held else 'nothing'} ."
        )

    def _visible(self) -> Iterator[Any]:
        _, mask = self._env.gen_obs_grid() if self._part else (None, None)
        for thing in self._things:
            if thing is self._env.carrying:
                continue
            if mask is None or ((at := self._env.relative_coords(*thing.cur_pos)) is not None and mask[at]):
                yield thing

    def _called(self, thing: Any) -> str:
        words = [thing.color] if self._corridor and thing.type != "wall" else []
        words.append(thing.type)
        if thing.type == "door":
            words.append("open" if thing.is_open else "locked" if thing.is_locked else "closed")
        return " ".join(words)

    def _where(self, x: int, y: int) -> str:
        """Says where a cell is, seen from the agent."""
        env = self._env
        east, south = x - int(env.agent_pos[0]), y - int(env.agent_pos[1])
        ahead = east * int(env.dir_vec[0]) + south * int(env.dir_vec[1])
        right = east * int(env.right_vec[0]) + south * int(env.right_vec[1])
        words = [f"{'ahead' if ahead > 0 else 'behind'} {abs(ahead)}"] if ahead else []
        words += [f"{'right' if right > 0 else 'left'} {abs(right)}"] if right else []
        return " ".join(words) or "here"

    def _cell(self, x: int, y: int) -> int:
        return int(y) * int(self._env.width) + int(x)

    def _places(self) -> Things:
        return tuple(
            (
                HELD if one is self._env.carrying else self._cell(*one.cur_pos),
                bool(getattr(one, "is_open", False)),
                bool(getattr(one, "is_locked", False)),
            )
            for one in self._things
        )

    def _agent(self) -> tuple[int, int, int]:
        x, y = self._env.agent_pos
        return int(x), int(y), int(self._env.agent_dir)

    def _world(self) -> Any:
        return self._agent(), self._places(), self._env.np_random.bit_generator.state

    def _go_to(self, seed: int, world: Any) -> None:
        if seed != self._seed:
            self._begin(seed)
        env = self._env
        (x, y, env.agent_dir), places, chance = world
        env.agent_pos = (x, y)
        env.carrying = None
        for thing in self._things:
            if tuple(thing.cur_pos) != (-1, -1):
                env.grid.set(*thing.cur_pos, None)
        for thing, (cell, is_open, is_locked) in zip(self._things, places, strict=True):
            if thing.type == "door":
                thing.is_open, thing.is_locked = is_open, is_locked
            if cell == HELD:
                env.carrying, thing.cur_pos = thing, (-1, -1)
            else:
                thing.cur_pos = (cell % env.width, cell // env.width)
                env.grid.set(*thing.cur_pos, thing)
        env.np_random.bit_generator.state = chance
        self._last = None

    def _identity(self) -> Hashable:
        places = sorted((one.type, one.color, *place) for one, place in zip(self._things, self._places(), strict=True))
        return self._env.mission, self._walls, tuple(places), self._agent()

    def _choices(self) -> Sequence[str]:
        return ACTIONS
