"""A small world of HierarchyCraft with a new instance for each seed: things are made one from another, from raw materials.

Each of three raw materials lies in a place of its own, and every way between two places leads through the camp, where things are
made. The recipes form two chains of one to three things each; only one chain ends in the thing that the task names. A hand holds
at most one of each kind. The shortest way to a chain of three takes 15 actions: four materials, each fetched in three, and three
things made. Each thing less takes four actions less.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hcraft import Item, Zone
from hcraft.transformation import PLAYER, Transformation, Use, Yield
from hcraft.world import World, world_from_transformations

CAMP = "camp"
PLACES = ("forest", "hill", "lake")
RAW = ("wood", "stone", "reed")
LEVELS = (("rope", "plank", "brick"), ("frame", "wheel", "wall"), ("cart", "mill", "bridge"))
THINGS = tuple(thing for level in LEVELS for thing in level)
WORDS = ("go", "take", "make", "needs", "in", "at", "have", "nothing", ".", CAMP, *PLACES, *RAW, *THINGS)


@dataclass(frozen=True)
class Instance:
    """What distinguishes two worlds.

    Attributes:
        goal: the thing to be made.
        places: the place of each raw material, in the order of RAW.
        recipes: each thing with the two that it is made from, in the order of THINGS.
    """

    goal: str
    places: tuple[str, ...]
    recipes: tuple[tuple[str, tuple[str, str]], ...]

    @property
    def task(self) -> str:
        """The task as text, with every recipe and every place."""
        needs = " ".join(f"{thing} needs {one} {other} ." for thing, (one, other) in self.recipes)
        where = " ".join(f"{raw} in {place} ." for raw, place in zip(RAW, self.places, strict=True))
        return f"make {self.goal} . {needs} {where}"


def draw(seed: int, things: int) -> Instance:
    """Draws the instance of a seed; a shorter chain is the beginning of the longer one.

    Args:
        seed: a number.
        things: of each chain, 1 to 3.
    """
    random = Random(seed)
    places = tuple(random.sample(PLACES, len(PLACES)))
    wanted, decoy = (list(pair) for pair in zip(*(random.sample(level, 2) for level in LEVELS), strict=True))
    recipes: dict[str, tuple[str, str]] = {}
    for first, second, last in (wanted, decoy):
        one, other = random.sample(RAW, 2)
        recipes[first] = (one, other)
        recipes[second] = (first, random.choice(RAW))
        recipes[last] = (second, random.choice(RAW))
    told = {*wanted[:things], *decoy[:things]}
    return Instance(wanted[things - 1], places, tuple((thing, recipes[thing]) for thing in THINGS if thing in told))


def build(instance: Instance) -> World:
    """Makes the world of an instance; the names of its transformations are the actions."""
    camp = Zone(CAMP)
    rules = [Transformation(f"go {CAMP}", destination=camp)]
    for raw, place in zip(RAW, instance.places, strict=True):
        zone = Zone(place)
        rules.append(Transformation(f"go {place}", destination=zone, zone=camp))
        rules.append(Transformation(f"take {raw}", inventory_changes=[Yield(PLAYER, Item(raw), max=0)], zone=zone))
    for thing, needed in instance.recipes:
        uses = [Use(PLAYER, Item(one), consume=1) for one in needed]
        changes = [*uses, Yield(PLAYER, Item(thing), max=0)]
        rules.append(Transformation(f"make {thing}", inventory_changes=changes, zone=camp))
    return world_from_transformations(rules, start_zone=camp)
