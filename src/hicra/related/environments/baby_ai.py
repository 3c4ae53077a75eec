"""The environment "babyai": levels of BabyAI (Chevalier-Boisvert and others 2019), one room with coloured things, in words.

BabyAI's instructions remember where the things that they speak of were when something was last dropped. "Go to" succeeds by
that, so it is part of what tells two states apart; "put next" succeeds only as something is dropped, when it looks anew. Reward,
text and actions are those of "minigrid".
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Hashable, Sequence
from typing import Annotated, Any, Literal

from minigrid.envs.babyai import GoToLocal, PutNextLocal
from pydantic import Field

from hicra.related.environments.grid_world import GridWorld
from hicra.strict import Positive

TASKS = "go to the a put next"
ALONG = ("left", "right", "forward")


class BabyAI(GridWorld):
    """The environment "babyai".

    Args:
        level: go_to (stand before a thing) or put_next (carry one thing beside another).
        size: cells on a side of the room, walls included.
        things: number of things in the room.
        view: "full" tells of every thing, "part" of those that the agent sees.
        discounted: whether success pays the less the later it comes.
        longest: the most actions of an episode.
    """

    def __init__(
        self,
        *,
        level: Literal["go_to", "put_next"] = "put_next",
        size: Annotated[int, Field(ge=5, le=16)] = 6,
        things: Annotated[int, Field(ge=2, le=6)] = 3,
        view: Literal["full", "part"] = "full",
        discounted: bool = False,
        longest: Positive = 25,
    ) -> None:
        settings = {
            "level": level, "size": size, "things": things, "view": view, "discounted": discounted, "longest": longest,
        }  # fmt: skip
        self._carries = level == "put_next"
        env = (
            PutNextLocal(room_size=size, num_objs=things, max_steps=longest)
            if self._carries
            else GoToLocal(room_size=size, num_dists=things, max_steps=longest)
        )
        super().__init__(
            "babyai", TASKS, longest, settings, env, colours=True, part=view == "part", discounted=discounted
        )

    def _begin(self, seed: int) -> str:
        with contextlib.redirect_stdout(io.StringIO()):  # the package prints the rooms that it gives up
            return super()._begin(seed)

    def _spoken_of(self) -> list[Any]:
        """Returns the package's descriptions of things in the instruction."""
        instruction = self._env.instrs
        return [instruction.desc_move, instruction.desc_fixed] if self._carries else [instruction.desc]

    def _memory(self) -> Any:
        return tuple(tuple(one.obj_poss) for one in self._spoken_of())

    def _remember(self, memory: Any) -> None:
        for one, places in zip(self._spoken_of(), memory, strict=True):
            one.obj_poss = list(places)
        self._env.instrs.preCarrying = self._env.carrying  # what was held behind the last action

    def _matters(self) -> Hashable:
        return () if self._carries else tuple(sorted(self._from_agent(*cell) for cell in self._memory()[0]))

    def _useful(self) -> Sequence[str]:
        if not self._carries:
            return ALONG
        front = self._env.grid.get(*self._env.front_pos)
        wanted = any(one is front for one in self._env.instrs.desc_move.obj_set)
        return [*ALONG, "drop", *(["pickup"] if wanted else [])]
