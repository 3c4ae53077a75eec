"""The environment "hcraft": a world of the package HierarchyCraft (Fédérico and others), played in words.

The package says which action is possible, what it changes, and what each thing requires: the subgoals are read off its graph of
requirements. An action is the name of one of the package's transformations; one that is not possible now changes nothing.

Deviations (the publications on trees and agents use other environments):
    HCRAFT-1. The world is this project's (workshop.py), built from the package's parts, because the package's own worlds have one
        instance each or no text.
    HCRAFT-2. The reward is 1 when the thing that the task names is made, else 0; the package's penalty of impossible actions is
        not used.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any, Literal

import networkx
import numpy as np
from hcraft import Item
from hcraft.requirements import RequirementEdge, RequirementNode, req_node_name
from hcraft.state import HcraftState
from hcraft.world import World

from hicra.errors import DataError
from hicra.related.environments import workshop
from hicra.related.environments.adapter import Searched
from hicra.strict import Positive

MAKE = "make "


class HierarchyCraft(Searched):
    """The environment "hcraft".

    Args:
        things: how many things are made one from another.
        longest: the most actions of an episode.
    """

    def __init__(self, *, things: Literal[1, 2, 3] = 3, longest: Positive = 25) -> None:
        super().__init__("hcraft", workshop.WORDS, longest, {"things": things, "longest": longest})
        self._things = things

    def subgoals(self) -> Sequence[str]:
        """Returns what must still be made, in the order of the graph of requirements, as in "make rope"."""
        self._begun()
        made_from = _made_from(self._instance)
        order: list[str] = []

        def need(thing: str) -> None:
            if thing in made_from and not self._holds(thing) and thing not in order:
                for part in made_from[thing]:
                    need(part)
                order.append(thing)

        need(self._instance.goal)
        return [f"{MAKE}{thing}" for thing in order]

    def reached(self, subgoal: str) -> bool:
        """Tells whether the thing of a subgoal is held, or went into another that is.

        Raises:
            DataError: it is not "make" with a thing that can be made in this episode.
        """
        self._begun()
        made_from = _made_from(self._instance)
        thing = subgoal.removeprefix(MAKE)
        if thing == subgoal or thing not in made_from:
            known = ", ".join(f"{MAKE}{one}" for one in made_from)
            raise DataError(f"hcraft: there is no subgoal {subgoal!r} in this episode", f"there are {known}")
        return self._holds(thing) or any(
            self.reached(f"{MAKE}{larger}") for larger, parts in made_from.items() if thing in parts
        )

    def _begin(self, seed: int) -> str:
        self._instance = workshop.draw(seed, self._things)
        self._state = HcraftState(_built(self._instance))
        self._number = {rule.name: index for index, rule in enumerate(self._state.world.transformations)}
        return self._instance.task

    def _act(self, text: str) -> bool:
        if text not in self._number:
            return False
        self._state.apply(self._number[text])
        return True

    def _paid(self) -> float | None:
        return 1.0 if self._holds(self._instance.goal) else None

    def _seen(self) -> str:
        held = [one for one in (*workshop.RAW, *workshop.THINGS) if self._holds(one)]
        return f"at {self._state.current_zone.name} . have {' '.join(held) or 'nothing'} ."

    def _world(self) -> Any:
        state = self._state
        parts = (state.position, state.player_inventory, *state.zones_inventories)
        return tuple(tuple(part.tolist()) for part in parts)

    def _go_to(self, seed: int, world: Any) -> None:
        if seed != self._seed:
            self._begin(seed)
        position, held, *zones = world
        self._state.position = np.array(position, np.int32)
        self._state.player_inventory = np.array(held, np.int32)
        self._state.zones_inventories = np.array(zones, np.int32).reshape(self._state.zones_inventories.shape)

    def _identity(self) -> Hashable:
        return self._instance, self._world()

    def _choices(self) -> Sequence[str]:
        return list(self._number)

    def _useful(self) -> Sequence[str]:
        needed = _needed(self._instance)
        return [
            rule.name
            for rule in self._state.world.transformations
            if rule.destination is not None or {item.name for item in rule.production("player")} & needed
        ]

    def _holds(self, thing: str) -> bool:
        item = Item(thing)
        return item in self._state.world.items and self._state.amount_of(item) > 0


@lru_cache(maxsize=256)
def _built(instance: workshop.Instance) -> World:
    return workshop.build(instance)


@lru_cache(maxsize=256)
def _made_from(instance: workshop.Instance) -> dict[str, tuple[str, ...]]:
    """Returns each thing that is made from others, with these, from the graph of requirements."""
    graph = _built(instance).requirements.graph
    found: dict[str, tuple[str, ...]] = {}
    for _, node in sorted((data["level"], node) for node, data in graph.nodes(data=True)):
        edges = graph.in_edges(node, data=True)
        parts = [
            graph.nodes[part]["obj"].name for part, _, edge in edges if edge["type"] is RequirementEdge.ITEM_REQUIRED
        ]
        if parts and graph.nodes[node]["type"] is RequirementNode.ITEM:
            found[graph.nodes[node]["obj"].name] = tuple(sorted(parts))
    return found


@lru_cache(maxsize=256)
def _needed(instance: workshop.Instance) -> frozenset[str]:
    """Returns the names of all items that the goal requires, itself included."""
    graph = _built(instance).requirements.graph
    goal = req_node_name(Item(instance.goal), RequirementNode.ITEM)
    nodes = networkx.ancestors(graph, goal) | {goal}
    return frozenset(graph.nodes[one]["obj"].name for one in nodes if graph.nodes[one].get("obj") is not None)
