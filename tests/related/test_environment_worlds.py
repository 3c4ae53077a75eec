"""What single environments say and do, with numbers worked out by hand; each test needs its package (make check-related)."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from environments_played import wander
from hicra.errors import ConfigError, DataError
from hicra.related.environments.open import open_environment

pytestmark = pytest.mark.slow
TOLD = re.compile(r"([a-z ]+?)(?: (ahead|behind) (\d+))?(?: (right|left) (\d+))? \. ")


def made(name: str, package: str, **given: Any) -> Any:
    pytest.importorskip(package)
    return open_environment(name, given)[0]()


def places(text: str) -> dict[str, tuple[int, int]]:
    """How far ahead and how far right each thing of a text of door_key is."""
    found = {}
    for name, along, far, side, off in TOLD.findall(text.split("front")[0].split("goal . ")[-1]):
        found[name.split()[0]] = (
            int(far or 0) * (-1 if along == "behind" else 1),
            int(off or 0) * (-1 if side == "left" else 1),
        )
    return found


@pytest.mark.parametrize("seed", range(5))
def test_minigrid_tells_where_things_are_from_where_the_agent_stands(seed: int) -> None:
    """After a turn to the left, what was right is behind and what was ahead is right; a step ahead brings all one nearer."""
    environment = made("minigrid", "minigrid")
    before = places(environment.reset(seed))
    assert set(before) == {"door", "goal", "key"}
    after = places(environment.step("left").text)
    assert after == {thing: (-right, ahead) for thing, (ahead, right) in before.items()}
    assert places(environment.step("right").text) == before
    while "front nothing" not in (step := environment.step("left")).text:
        pass
    stood = places(step.text)
    assert places(environment.step("forward").text) == {
        thing: (ahead - 1, right) for thing, (ahead, right) in stood.items()
    }


def test_minigrid_in_part_tells_of_some_of_what_it_tells_of_in_full() -> None:
    full, part = made("minigrid", "minigrid"), made("minigrid", "minigrid", view="part")
    fewer = 0
    for seed in range(10):
        full.reset(seed)
        part.reset(seed)
        for text, step in wander(part, seed, Random(seed)):
            if not step.done and step.valid:
                whole = full.step(text).text
                assert set(step.text.split(" . ")) <= set(whole.split(" . "))
                fewer += len(step.text) < len(whole)
            else:
                full.step(text)
    assert fewer


def test_minigrid_pays_its_own_reward_where_that_is_wanted() -> None:
    """1 - 0.9 k / 40 for success at action k: 1 - 0.9 * 12 / 40 = 0.73 at the twelfth."""
    environment = made("minigrid", "minigrid", discounted=True, longest=40)
    lengths = set()
    for seed in range(10):
        environment.reset(seed)
        count = 0
        while not (step := environment.step(environment.expert())).done:
            count += 1
        assert step.reward == pytest.approx(1 - 0.9 * (count + 1) / 40)
        lengths.add(count + 1)
    assert len(lengths) > 1


def test_minigrid_refuses_a_grid_without_room() -> None:
    with pytest.raises(ConfigError, match=r"size is 4, too small for door_key\n  fix: give 5 or more"):
        made("minigrid", "minigrid", size=4)
    made("minigrid", "minigrid", world="key_corridor", size=3)


def test_the_key_that_opened_the_door_may_be_put_down() -> None:
    environment = made("minigrid", "minigrid")
    environment.reset(0)
    assert list(environment.subgoals()) == ["take key", "open door", "reach goal"]
    while not environment.reached("open door"):
        environment.step(environment.expert())
    for text in ("right", "right", "drop"):
        environment.step(text)
    assert list(environment.subgoals()) == ["reach goal"]


def test_a_box_that_was_opened_is_gone_wherever_it_was_before() -> None:
    """To toggle a box opens it, and it is no more. Its state is gone to and come back from, also while it is carried."""
    environment = made("babyai", "minigrid")
    seed = next(seed for seed in range(50) if environment.reset(seed).startswith("put the grey box"))
    environment.reset(seed)
    while "front grey box" not in environment.step(environment.expert()).text:
        pass
    before, known = environment.save(), environment.state_id()
    opened = environment.step("toggle")
    assert "box" not in opened.text
    gone, lost = environment.save(), environment.state_id()
    environment.restore(before)
    assert environment.step("pickup").text.endswith("hold grey box .")
    environment.restore(gone)
    assert environment.state_id() == lost
    assert environment.step("left").valid
    assert "hold nothing" in environment.step("pickup").text
    environment.restore(before)
    assert environment.state_id() == known


def test_a_room_that_is_turned_about_with_its_agent_is_the_same_state() -> None:
    """Ball two ahead and key one to the right of it, seen facing east and facing south: what follows is the same."""
    environment = made("babyai", "minigrid", size=7, things=2)
    environment.reset(0)
    begun, width = environment.save(), 7

    def world(position: tuple[int, int, int], cells: list[tuple[int, int]]) -> Any:
        placed = tuple((y * width + x, False, False) for x, y in cells)
        return replace(begun, world=(position, placed, *begun.world[2:]))

    ids = []
    for position, cells in (((2, 3, 0), [(4, 3), (4, 4)]), ((3, 2, 1), [(3, 4), (2, 4)])):
        environment.restore(world(position, cells))
        ids.append(environment.state_id())
        last = environment.step("forward").text
    assert ids[0] == ids[1]
    assert "ahead 1 . " in last
    environment.restore(world((2, 3, 0), [(4, 3), (4, 2)]))  # on the left of it
    assert environment.state_id() != ids[0]


@pytest.mark.parametrize("things", [1, 2, 3])
@pytest.mark.parametrize("seed", range(20))
def test_a_workshop_has_two_chains_and_asks_for_the_end_of_one(seed: int, things: int) -> None:
    """The subgoals follow the recipes that the task tells of, from the first thing made to the goal."""
    environment = made("hcraft", "hcraft", things=things)
    text = environment.reset(seed)
    goal = text.split()[1]
    recipes = {thing: {one, other} for thing, one, other in re.findall(r"(\w+) needs (\w+) (\w+) \.", text)}
    assert len(recipes) == 2 * things
    chain = [goal]
    while further := recipes[chain[0]] & recipes.keys():
        chain = [*further, *chain]
    assert len(chain) == things
    assert list(environment.subgoals()) == [f"make {thing}" for thing in chain]
    where = dict(re.findall(r"(wood|stone|reed) in (\w+) \.", text))
    assert sorted(where.values()) == ["forest", "hill", "lake"]
    needed = [sorted(recipes[thing] - recipes.keys()) for thing in chain]
    way = [
        action
        for thing, raws in zip(chain, needed, strict=True)
        for action in [
            *(one for raw in raws for one in (f"go {where[raw]}", f"take {raw}", "go camp")),
            f"make {thing}",
        ]
    ]
    assert (
        len(way) == {1: 7, 2: 11, 3: 15}[things]
    )  # 2, 3 or 4 materials fetched in three actions each, and the things made
    steps = [environment.step(action) for action in way]
    assert [step.reward for step in steps] == [0] * (len(way) - 1) + [1]


def test_what_cannot_be_done_in_a_workshop_is_understood_and_changes_nothing() -> None:
    environment = made("hcraft", "hcraft")
    environment.reset(0)  # make mill . plank needs reed wood . wood in hill . reed in forest .
    state = environment.state_id()
    for text in ("make plank", "take wood", "go camp"):
        step = environment.step(text)
        assert (step.valid, step.text) == (True, "at camp . have nothing .")
        assert environment.state_id() == state
    environment.step("go hill")
    assert environment.step("take wood").text == "at hill . have wood ."
    assert environment.step("take wood").text == "at hill . have wood ."  # one of a kind at most
    assert not environment.step("make castle").valid


def test_a_thing_that_went_into_another_counts_as_made() -> None:
    environment = made("hcraft", "hcraft")
    environment.reset(0)
    first, second, _ = environment.subgoals()
    while not environment.reached(second):
        environment.step(environment.expert())
    assert first.removeprefix("make ") not in environment.step("go camp").text
    assert environment.reached(first)
    with pytest.raises(DataError, match="no subgoal 'make wood' in this episode"):
        environment.reached("make wood")


def test_the_wrong_thing_ends_a_hunt_without_reward() -> None:
    environment = made("textworld", "textworld", mode="easy", rooms=3, quest=2)
    ended = 0
    for seed in range(10):
        text = environment.reset(seed)
        wrong = text.split(" not ")[1].split(" .")[0]
        random = Random(seed)
        step = None
        while step is None or not step.done:
            choices = environment.actions()
            take = [one for one in choices if one.startswith(f"take {wrong}")]
            step = environment.step(take[0] if take else random.choice(choices))
        if take:
            assert step.reward == 0
            ended += 1
    assert ended


def test_a_game_that_cannot_be_made_is_refused() -> None:
    environment = made("textworld", "textworld", mode="easy", rooms=2, quest=12)
    with pytest.raises(ConfigError, match="no game with quest 12, rooms 2 and mode easy"):
        environment.reset(0)


def test_jugs_are_filled_poured_and_emptied() -> None:
    """A jug of 5 and one of 7 from a full 7: pouring leaves 2, and those 2 go where the 5 were."""
    environment = made("jugs", "reasoning_gym", problems=20)
    seed = next(
        seed
        for seed in range(20)
        if "jug a holds 0 of 5 . jug b holds 0 of 5 . jug c holds 0 of 7" in environment.reset(seed)
    )
    environment.reset(seed)
    told = [environment.step(text).text for text in ("fill c", "pour c a", "empty a", "pour c a")]
    assert told[1] == "jug a holds 5 of 5 . jug b holds 0 of 5 . jug c holds 2 of 7 ."
    assert told[3] == "jug a holds 2 of 5 . jug b holds 0 of 5 . jug c holds 0 of 7 ."
    assert not environment.step("pour a a").valid
    assert not environment.step("fill d").valid
