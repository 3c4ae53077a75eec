"""What every grid world of the package minigrid has: its words, its actions, and its state as a value.

What is seen is told from where the agent stands: how far ahead or behind, and how far left or right, each thing is. Actions have
the names that the package gives them.

Deviations (the publications on trees and agents use other environments):
    MINIGRID-1. The reward is 1 at success, else 0. With `discounted` it is the package's own, 1 - 0.9 * actions / `longest`.
    MINIGRID-2. The text says the colour of a thing only in worlds where colours differ, and tells of a wall only where one is
        right in front.
    MINIGRID-3. The package's action `done`, which does nothing in these worlds, is left out.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from minigrid.core.actions import Actions
from minigrid.core.constants import COLOR_NAMES
from minigrid.minigrid_env import MiniGridEnv

from hicra.related.environments.adapter import Searched

ACTIONS = ("left", "right", "forward", "pickup", "drop", "toggle")
WORDS = (
    *ACTIONS, *COLOR_NAMES, "key", "door", "goal", "ball", "box", "wall", "locked", "closed", "open", "ahead", "behind", "here",
    "front", "hold", "nothing", ".", *map(str, range(1, 40)),
)  # fmt: skip
HELD, GONE = -1, -2  # the cell of a thing that the agent carries, and of one that is no more


class GridWorld(Searched):
    """A grid world that is played in words.

    Args:
        name, longest, settings: as of `Adapter`.
        words: those of the tasks of this world.
        env: of the package.
        colours: whether the text says the colours of things.
        part: whether only what the agent sees is told of.
        discounted: whether success pays the less the later it comes.
    """

    def __init__(
        self,
        name: str,
        words: str,
        longest: int,
        settings: dict[str, Any],
        env: MiniGridEnv,
        *,
        colours: bool,
        part: bool,
        discounted: bool,
    ) -> None:
        super().__init__(name, [*WORDS, *words.split()], longest, settings)
        self._env: Any = env
        self._env.gen_obs = (
            dict  # the package's picture of the world, which takes most of a step's time and is not used
        )
        self._colours, self._part, self._discounted = colours, part, discounted
        self._last: float | None = None

    def _begin(self, seed: int) -> str:
        env: MiniGridEnv = self._env
        env.reset(seed=seed)
        self._things = [one for one in env.grid.grid if one is not None and one.type != "wall"]
        cells = enumerate(env.grid.grid)
        self._walls = [divmod(cell, env.width)[::-1] for cell, one in cells if one is not None and one.type == "wall"]
        self._walls_from: dict[tuple[int, int, int], frozenset[tuple[int, int]]] = {}
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
        told = sorted((one.type, one.color, self._place(one), one) for one in self._visible())
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
            if self._place(thing) < 0:
                continue
            if mask is None or ((at := self._env.relative_coords(*thing.cur_pos)) is not None and mask[at]):
                yield thing

    def _called(self, thing: Any) -> str:
        words = [thing.color] if self._colours and thing.type != "wall" else []
        words.append(thing.type)
        if thing.type == "door":
            words.append("open" if thing.is_open else "locked" if thing.is_locked else "closed")
        return " ".join(words)

    def _from_agent(self, x: int, y: int) -> tuple[int, int]:
        """Returns how far ahead and how far right of the agent a cell is."""
        env = self._env
        east, south = int(x) - int(env.agent_pos[0]), int(y) - int(env.agent_pos[1])
        (along, down), (across, below) = env.dir_vec.tolist(), env.right_vec.tolist()
        return east * along + south * down, east * across + south * below

    def _where(self, x: int, y: int) -> str:
        """Says where a cell is, seen from the agent."""
        ahead, right = self._from_agent(x, y)
        words = [f"{'ahead' if ahead > 0 else 'behind'} {abs(ahead)}"] if ahead else []
        words += [f"{'right' if right > 0 else 'left'} {abs(right)}"] if right else []
        return " ".join(words) or "here"

    def _cell(self, x: int, y: int) -> int:
        return int(y) * int(self._env.width) + int(x)

    def _place(self, thing: Any) -> int:
        """Returns the cell of a thing, HELD or GONE."""
        if thing is self._env.carrying:
            return HELD
        return self._cell(*thing.cur_pos) if self._env.grid.get(*thing.cur_pos) is thing else GONE

    def _places(self) -> tuple[tuple[int, bool, bool], ...]:
        """Returns of each thing its place, whether it is open and whether it is locked."""
        return tuple(
            (self._place(one), bool(getattr(one, "is_open", False)), bool(getattr(one, "is_locked", False)))
            for one in self._things
        )

    def _agent(self) -> tuple[int, int, int]:
        x, y = self._env.agent_pos
        return int(x), int(y), int(self._env.agent_dir)

    @abstractmethod
    def _memory(self) -> Any:
        """Returns what the world remembers of the past beyond its grid, as a value."""

    @abstractmethod
    def _remember(self, memory: Any) -> None:
        """Sets what the world remembers."""

    def _matters(self) -> Hashable:
        """Returns what of the memory changes what can come."""
        return ()

    def _world(self) -> Any:
        return self._agent(), self._places(), self._env.np_random.bit_generator.state, self._memory()

    def _go_to(self, seed: int, world: Any) -> None:
        if seed != self._seed:
            self._begin(seed)
        env = self._env
        (x, y, env.agent_dir), places, chance, memory = world
        env.agent_pos = (x, y)
        for thing in self._things:
            if self._place(thing) >= 0:
                env.grid.set(*thing.cur_pos, None)
        env.carrying = None
        for thing, (cell, is_open, is_locked) in zip(self._things, places, strict=True):
            if thing.type == "door":
                thing.is_open, thing.is_locked = is_open, is_locked
            if cell == HELD:
                env.carrying, thing.cur_pos = thing, (-1, -1)
            elif cell == GONE:
                thing.cur_pos = (0, 0)  # where a wall is
            else:
                thing.cur_pos = (cell % env.width, cell // env.width)
                env.grid.set(*thing.cur_pos, thing)
        env.np_random.bit_generator.state = chance
        self._remember(memory)
        self._last = None

    def _identity(self) -> Hashable:
        """Returns everything as it lies around the agent: a world that is turned about with its agent goes on in the same way."""
        things = sorted(
            (one.type, one.color, *(() if place == HELD else self._from_agent(*one.cur_pos)), is_open, is_locked)
            for one, (place, is_open, is_locked) in zip(self._things, self._places(), strict=True)
            if place != GONE
        )
        return self._env.mission, self._around(), tuple(things), self._matters()

    def _around(self) -> frozenset[tuple[int, int]]:
        """Returns where the walls are, seen from the agent."""
        here = self._agent()
        if here not in self._walls_from:
            self._walls_from[here] = frozenset(self._from_agent(*cell) for cell in self._walls)
        return self._walls_from[here]

    def _choices(self) -> Sequence[str]:
        return ACTIONS
