"""What holds of every environment whose package is installed; `make check-related` installs them all."""

from __future__ import annotations

import importlib.util
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from environments_played import NONSENSE, distinct, replay, walk, wander
from hicra.errors import DataError
from hicra.related.environments.open import open_environment

pytestmark = pytest.mark.slow

FOREVER = 10**6
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "hcraft": ("hcraft", "hcraft", {}),
    "door_key": ("minigrid", "minigrid", {}),
    "door_key part": ("minigrid", "minigrid", {"size": 5, "view": "part", "discounted": True}),
    "key_corridor": ("minigrid", "minigrid", {"world": "key_corridor", "size": 3}),
    "babyai": ("minigrid", "babyai", {}),
    "babyai go_to": ("minigrid", "babyai", {"level": "go_to", "size": 8, "things": 4, "view": "part"}),
    "textworld": ("textworld", "textworld", {}),
    "textworld easy": ("textworld", "textworld", {"mode": "easy", "quest": 3}),
    "jugs": ("reasoning_gym", "jugs", {"problems": 20}),
    "strings": ("hicra", "strings", {"letters": 2, "length": 3, "counts": 1}),
    "model_choice": ("sklearn", "model_choice", {"failure": 0.0}),  # -1 is a reward before the end, which no other has
}  # name of a case: (package, environment, settings)
SMALL: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "hcraft": ("hcraft", "hcraft", {}, 4 * 2**3 * 2**6),
    "hcraft of two": ("hcraft", "hcraft", {"things": 2}, 4 * 2**3 * 2**4),
    "door_key": ("minigrid", "minigrid", {"size": 5}, 4000),
    "key_corridor": ("minigrid", "minigrid", {"world": "key_corridor", "size": 3}, 4000),
    "babyai": ("minigrid", "babyai", {"size": 5, "things": 2}, 8000),
    "babyai go_to": ("minigrid", "babyai", {"level": "go_to", "size": 5, "things": 2}, 8000),
    "textworld": ("textworld", "textworld", {"mode": "medium", "rooms": 3, "quest": 2}, 4000),
    "jugs": ("reasoning_gym", "jugs", {"problems": 20}, 10**3),
    "strings": ("hicra", "strings", {"strings": 12, "letters": 2, "length": 2, "counts": 1}, 13),
}  # also the most states of its world
SEEDS = st.integers(0, 8)  # few, since a new game of textworld takes long


def made(package: str, name: str, given: dict[str, Any], **more: Any) -> Any:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed (make check-related)")
    return open_environment(name, {**given, **more})[0]()


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[str, str, dict[str, Any]]:
    return CASES[request.param]


@pytest.fixture(params=SMALL)
def small(request: pytest.FixtureRequest) -> tuple[str, str, dict[str, Any], int]:
    return SMALL[request.param]


@settings(max_examples=10)
@given(seed=SEEDS, chance=st.integers())
@pytest.mark.parametrize("name", CASES)
def test_the_same_seed_and_actions_give_the_same_episode(name: str, seed: int, chance: int) -> None:
    one, other = made(*CASES[name]), made(*CASES[name])
    first = one.reset(seed)
    gone = wander(one, seed, Random(chance))
    other.reset(seed + 1)
    assert other.reset(seed) == first
    assert [other.step(text) for text, _ in gone] == [step for _, step in gone]
    assert one.reset(seed) == first


@settings(max_examples=10)
@given(seed=SEEDS, chance=st.integers(), cut=st.floats(0, 1))
@pytest.mark.parametrize("name", CASES)
def test_a_state_that_was_saved_is_gone_on_from_in_the_same_way(name: str, seed: int, chance: int, cut: float) -> None:
    one, other = made(*CASES[name]), made(*CASES[name])
    texts = [text for text, _ in wander(one, seed, Random(chance))]
    begin = int(cut * len(texts))
    one.reset(seed)
    replay(one, texts[:begin])
    saved, state = one.save(), one.state_id()
    rest = replay(one, texts[begin:])
    one.restore(saved)
    assert one.state_id() == state
    assert replay(one, texts[begin:]) == rest
    wander(other, seed + 1, Random(chance))  # what it was in before does not matter
    other.restore(saved)
    assert other.state_id() == state
    assert replay(other, texts[begin:]) == rest
    one.restore(saved)  # once more: going on did not change the saved state
    assert replay(one, texts[begin:]) == rest


def test_two_states_are_told_apart_exactly_if_their_futures_differ(small: tuple[str, str, dict[str, Any], int]) -> None:
    """Equal ids lead on alike (checked in the walk), and as many states as have ids are told apart by what follows."""
    *place, most = small
    environment = made(*place, longest=FOREVER)
    environment.reset(0)
    if place[0] == "textworld":  # its actions depend on the state: all of a long random walk
        choices = sorted({text for seed in range(20) for text, _ in wander(environment, 0, Random(seed), 50)})
    else:
        choices = list(environment._choices())
    found = walk(environment, 0, choices, most)
    assert len(found) > 10
    assert distinct(found) == len(found)


def test_the_demonstrator_succeeds_in_time_on_50_seeds(case: tuple[str, str, dict[str, Any]]) -> None:
    environment = made(*case)
    for seed in range(50):
        environment.reset(seed)
        rewards, done = [], False
        while not done:
            step = environment.step(environment.expert())
            assert step.valid
            rewards.append(step.reward)
            done = step.done
        assert len(rewards) <= environment.longest
        assert rewards[-1] > 0
        assert not any(rewards[:-1])


def test_the_demonstrator_goes_on_from_wherever_another_got_to(case: tuple[str, str, dict[str, Any]]) -> None:
    environment = made(*case, longest=FOREVER)
    succeeded = 0
    for seed, most in product(range(5), (15, 1)):  # some worlds end soon where actions are drawn
        gone = wander(environment, seed, Random(seed), most=most)
        if gone[-1][1].done:
            continue
        before = environment.state_id(), environment.actions()
        try:
            environment.expert()
        except DataError:  # there is no way to success from here
            continue
        assert (environment.state_id(), environment.actions()) == before  # looking ahead leaves no trace
        while not (step := environment.step(environment.expert())).done:
            assert step.reward == 0
        assert step.reward > 0
        succeeded += 1
    assert succeeded


def test_words_hold_every_text_and_action_of_200_random_episodes(case: tuple[str, str, dict[str, Any]]) -> None:
    environment = made(*case)
    words, known = set(environment.words), set()
    assert len(words) == len(environment.words)
    for seed in range(200 if case[0] != "textworld" else 40):  # a new game takes seconds
        known |= set(environment.reset(seed).split())
        for text, step in wander(environment, seed, Random(seed)):
            known |= set(step.text.split()) | (set() if text == NONSENSE else set(text.split()))
        if hasattr(environment, "subgoals"):
            environment.reset(seed)
            known |= {word for one in environment.subgoals() for word in one.split()}
    assert known <= words


def test_only_the_end_pays_and_the_clock_ends_it(case: tuple[str, str, dict[str, Any]]) -> None:
    environment = made(*case, longest=8)
    for seed in range(5):
        gone = wander(environment, seed, Random(seed))
        assert len(gone) <= 8
        assert [step.done for _, step in gone] == [False] * (len(gone) - 1) + [True]
        assert not any(step.reward for _, step in gone[:-1])
        assert 0 <= gone[-1][1].reward <= 1
        assert gone[-1][1].text == ""


def test_words_without_a_meaning_change_nothing_but_the_clock(case: tuple[str, str, dict[str, Any]]) -> None:
    environment = made(*case, longest=3)
    first = environment.reset(0)
    state = environment.state_id()
    for text in (NONSENSE, ""):
        step = environment.step(text)
        assert (step.reward, step.done, step.valid) == (0, False, False)
        assert step.text.startswith("not understood . ")
        assert first.endswith(step.text.removeprefix("not understood . "))
        assert environment.state_id() == state
    assert environment.step(NONSENSE).done


def test_an_action_is_read_without_regard_to_case_and_space(case: tuple[str, str, dict[str, Any]]) -> None:
    environment = made(*case)
    environment.reset(0)
    start, text = environment.save(), environment.expert()
    step = environment.step(text)
    environment.restore(start)
    assert environment.step(f"  {text.upper().replace(' ', '  ')} ") == step


def test_what_cannot_be_done_is_named(case: tuple[str, str, dict[str, Any]]) -> None:
    environment, other = made(*case, longest=1), made(*case)
    for early in (lambda: environment.step("x"), environment.save, environment.state_id):
        with pytest.raises(DataError, match="no episode has begun"):
            early()
    with pytest.raises(DataError, match="seed of an episode is -1"):
        environment.reset(-1)
    environment.reset(0)
    saved = environment.save()
    environment.step(NONSENSE)
    with pytest.raises(DataError, match="ended after 1 actions"):
        environment.step(NONSENSE)
    with pytest.raises(DataError, match="other settings"):
        other.restore(saved)
    with pytest.raises(DataError, match="no state that it saved"):
        environment.restore("somewhere")
    environment.restore(saved)
    assert environment.step(NONSENSE).done


@pytest.mark.parametrize("name", ["hcraft", "door_key", "key_corridor", "textworld"])
def test_subgoals_are_reached_one_after_another_as_the_demonstrator_goes(name: str) -> None:
    environment = made(*CASES[name])
    for seed in range(5):
        environment.reset(seed)
        plan = list(environment.subgoals())
        assert plan
        assert not any(environment.reached(one) for one in plan if name != "textworld")
        done = False
        while not done:
            step = environment.step(environment.expert())
            done = step.done
            left = list(environment.subgoals())
            assert left == plan[len(plan) - len(left) :]
            assert all(environment.reached(one) for one in plan[: len(plan) - len(left)])
        assert list(environment.subgoals()) == []
    with pytest.raises(DataError, match="no subgoal 'win the war'"):
        environment.reached("win the war")
