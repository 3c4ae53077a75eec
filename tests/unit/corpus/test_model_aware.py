"""Which prompts are worth training on: worked by hand, and the share of groups with a gradient that the choice gives."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.corpus.model_aware import model_aware_filter
from hicra.errors import ConfigError, DataError


def rollouts(counts, of=8):
    """Rollouts of prompts p0, p1 ...: counts[i] of `of` are right."""
    correct = [float(at < count) for count in counts for at in range(of)]
    return correct, [f"p{at}" for at in range(len(counts)) for _ in range(of)]


def test_prompts_that_are_always_or_never_solved_are_left_out():
    # 0 and 8 of 8 teach nothing; 1 and 7 of 8 do
    assert model_aware_filter(*rollouts([0, 1, 4, 7, 8])) == ["p1", "p2", "p3"]


def test_shares_of_easy_medium_and_hard():
    # of 8: 6 and 7 are easy (at least 0.75), 1 and 2 hard (at most 0.25), 3 to 5 medium: 4 easy, 6 medium, 3 hard
    counts = [6, 7, 6, 7, 3, 4, 5, 3, 4, 5, 1, 2, 1, 0, 8]
    # at 0.2, 0.5, 0.3 hard ones bind first: 3 / 0.3 = 10, so 2 easy, 5 medium, 3 hard
    kept = model_aware_filter(*rollouts(counts), shares=(0.2, 0.5, 0.3))
    numbers = [int(one[1:]) for one in kept]
    assert [sum(low <= at < high for at in numbers) for low, high in ((0, 4), (4, 10), (10, 13))] == [2, 5, 3]
    assert numbers == sorted(numbers)
    # only hard ones
    assert model_aware_filter(*rollouts(counts), shares=(0, 0, 1)) == ["p10", "p11", "p12"]
    # without an easy prompt a quarter of them cannot be had
    assert model_aware_filter(*rollouts([4, 4, 1]), shares=(0.25, 0.5, 0.25)) == []


def test_the_seed_decides_which_of_a_kind():
    correct, prompts = rollouts([7] + [4] * 40)
    first = model_aware_filter(correct, prompts, shares=(0.1, 0.9, 0.0), seed=1)
    assert len(first) == 10  # 1 easy at a share of 0.1
    assert first == model_aware_filter(correct, prompts, shares=(0.1, 0.9, 0.0), seed=1)
    assert first != model_aware_filter(correct, prompts, shares=(0.1, 0.9, 0.0), seed=2)


def test_unjudged_rollouts_do_not_count():
    assert model_aware_filter([1, None, 0, 1, math.nan, 1], ["a", "a", "a", "b", "b", "b"]) == ["a"]
    assert model_aware_filter([None, None], ["a", "a"]) == []


def test_it_raises_the_share_of_groups_with_a_gradient():
    """400 prompts, most of them nearly always or never solved; a group of 8 is mixed with chance 1 - p^8 - (1-p)^8."""
    chance = random.Random(0)
    rates = [chance.betavariate(0.3, 0.3) for _ in range(400)]
    correct = [float(chance.random() < rate) for rate in rates for _ in range(8)]
    prompts = [at for at in range(400) for _ in range(8)]
    kept = model_aware_filter(correct, prompts)
    mixed = [1 - rate**8 - (1 - rate) ** 8 for rate in rates]
    before, after = sum(mixed) / 400, sum(mixed[at] for at in kept) / len(kept)
    assert before < 0.6
    assert after > before + 0.2
    new = [{float(chance.random() < rates[at]) for _ in range(8)} for at in kept]  # new groups, really drawn
    assert sum(len(group) > 1 for group in new) / len(new) > before + 0.2


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0.0, 1.0, None])), max_size=60), st.randoms())
def test_the_order_of_rollouts_only_orders_the_result(rows, shuffling):
    mixed = list(rows)
    shuffling.shuffle(mixed)
    one, two = (model_aware_filter([value for _, value in part], [name for name, _ in part]) for part in (rows, mixed))
    assert sorted(one) == sorted(two)
    for name in one:
        assert {value for other, value in rows if other == name} >= {0.0, 1.0}


def test_bad_input_is_named():
    with pytest.raises(DataError, match="2 rollouts and 1 prompts"):
        model_aware_filter([1, 0], ["a"])
    with pytest.raises(DataError, match="row 1"):
        model_aware_filter([1, 0.5], ["a", "a"])
    for shares in ((0.5, 0.5), (0.5, 0.6, 0.1), (math.nan, 0.5, 0.5), (-0.5, 1.0, 0.5)):
        with pytest.raises(ConfigError, match="shares"):
            model_aware_filter([1, 0], ["a", "a"], shares=shares)
