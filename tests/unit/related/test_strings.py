"""The environment "strings": one letter of each string decides, and all of what it says is exact."""

from __future__ import annotations

from itertools import product

import pytest

from hicra.errors import ConfigError
from hicra.related.environments import Environment
from hicra.related.environments.open import open_environment
from hicra.related.environments.strings import Strings


def test_the_reward_is_one_exactly_if_the_letter_that_counts_is_the_wanted_one_in_every_string() -> None:
    environment = Strings(strings=2, letters=3, length=2, counts=1)
    environment.reset(5)
    start, wanted, won = environment.save(), list[str](), set()
    for one, other in product(environment.actions(), repeat=2):
        environment.restore(start)
        wanted = [environment.wanted]
        led = environment.step(one)
        assert led.reward == 0
        assert led.done == (not one.endswith(wanted[0]))
        if not led.done:
            wanted.append(environment.wanted)
            assert led.text == f"want {environment.wanted} ."
            led = environment.step(other)
            assert (led.done, led.text, led.reward) == (True, "", float(other.endswith(wanted[1])))
            won |= {(one, other)} if led.reward else set()
    assert len(won) == 3 * 3  # any letter, and then the wanted one, twice
    assert environment.reset(5) == f"spell . want {wanted[0]} ."
    environment.step(environment.expert())
    assert environment.step(environment.expert()).reward == 1


def test_it_is_an_environment_whose_expert_wins() -> None:
    environment: Environment = Strings(strings=3)
    for seed in range(20):
        environment.reset(seed)
        steps = [environment.step(environment.expert()) for _ in range(3)]  # type: ignore[attr-defined]
        assert [(one.reward, one.done) for one in steps] == [(0, False), (0, False), (1, True)]


@pytest.mark.parametrize("text", ["a b", "a b c d e f", "a b x d e", "want b c d e"])
def test_what_is_no_string_of_that_length_is_not_understood(text: str) -> None:
    environment = Strings()
    environment.reset(0)
    before = environment.state_id()
    led = environment.step(text)
    assert (led.valid, led.reward, led.done) == (False, 0.0, False)
    assert led.text == f"not understood . want {environment.wanted} ."
    assert environment.state_id() == before


def test_seeds_want_different_letters_and_the_clock_ends_an_episode() -> None:
    environment = Strings(longest=1)
    assert len({environment.reset(seed) for seed in range(40)}) == 4
    assert environment.step("nonsense").done


@pytest.mark.parametrize(
    ("given", "says"), [({"counts": 5}, "places of a string are 0 to 4"), ({"letters": 1}, "letters")]
)
def test_settings_that_cannot_be_are_named(given: dict[str, int], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        open_environment("strings", given)[0]()
