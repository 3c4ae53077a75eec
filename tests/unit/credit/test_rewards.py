"""The penalty for overlong responses and the bonus for tool calls, worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.credit.rewards import RewardParts, soft_overlong, tool_bonus
from hicra.errors import ConfigError, DataError


def test_the_penalty_at_the_three_marks_of_dapo():
    # most 20480, cache 4096: the line begins at 20480 - 4096 = 16384; 18432 lies 2048 = 4096/2 beyond it
    found = soft_overlong([1, 16384, 17408, 18432, 20480], 20480, 4096)
    assert found.tolist() == [0.0, 0.0, -0.25, -0.5, -1.0]
    assert not np.signbit(found[:2]).any()  # 0, not -0


def test_beyond_the_limit_it_stays_at_minus_one():
    assert soft_overlong([48, 49, 1000], 48, 16).tolist() == [-1.0, -1.0, -1.0]


@given(st.integers(1, 500), st.data())
def test_the_penalty_is_continuous_and_falls(most, data):
    cache = data.draw(st.integers(1, most))
    values = soft_overlong(np.arange(most + 2), most, cache)
    steps = np.diff(values)
    assert values[most - cache] == 0.0
    assert values[most] == values[-1] == -1.0
    assert (steps <= 0).all()
    assert np.abs(steps).max() <= 1 / cache + 1e-12  # one token more costs at most 1/cache


@pytest.mark.parametrize("cache", [0, -1, 49])
def test_a_cache_outside_its_range_is_refused(cache):
    with pytest.raises(ConfigError, match="1 to 48"):
        soft_overlong([3], 48, cache)


def test_lengths_that_are_no_lengths_are_refused():
    for lengths in ([3, -1], [3, float("nan")]):
        with pytest.raises(DataError, match="row 1"):
            soft_overlong(lengths, 48, 8)


def test_the_form_of_the_code():
    # wrong with n calls: -1 + 0.1 n, at most -0.6: 0 -> -1, 2 -> -0.8, 4 -> -0.6, 9 -> -0.1 but bounded to -0.6
    assert tool_bonus([0, 0, 0, 0], [0, 2, 4, 9]).tolist() == [-1.0, -0.8, -0.6, -0.6]
    assert tool_bonus([1, 1], [0, 7]).tolist() == [1.0, 1.0]  # a right answer has no bonus


def test_the_form_of_the_code_is_its_formula_in_turns():
    # the code: min(-0.6, -1 + 0.1 (turns - 2) / 2), where question, n calls with n results, and an answer make 2 + 2n turns
    for calls in range(8):
        turns = 2 + 2 * calls
        assert tool_bonus([0], [calls])[0] == pytest.approx(min(-0.6, -1 + 0.1 * (turns - 2) / 2), abs=1e-12)


def test_the_form_of_the_paper():
    # right: 1 + 0.1 n; wrong as above, with a bound that is a setting
    assert tool_bonus([1, 1, 0], [0, 3, 3], form="paper").tolist() == [1.0, 1.3, -0.7]
    assert tool_bonus([0, 0], [3, 30], form="paper", bound=0.0).tolist() == [-0.7, 0.0]


def test_what_is_unscorable_stays_so():
    assert np.isnan(tool_bonus([None, 1], [3, 1])[0])
    assert np.isnan(tool_bonus(np.array([np.nan, 1]), np.array([3, 1]))[0])


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 50)), min_size=1, max_size=20), st.sampled_from(["code", "paper"])
)
def test_a_right_answer_always_earns_more_than_a_wrong_one(rollouts, form):
    rewards = tool_bonus([float(right) for right, _ in rollouts], [n for _, n in rollouts], form=form)
    for (right, _), reward in zip(rollouts, rewards, strict=True):
        assert reward >= 1.0 if right else -1.0 <= reward <= -0.6


def test_bad_input_is_named():
    with pytest.raises(ConfigError, match="papers"):
        tool_bonus([1], [1], form="papers")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="bound"):
        tool_bonus([1], [1], bound=1.0)
    with pytest.raises(DataError, match="row 1"):
        tool_bonus([1, 0.5], [1, 1])
    with pytest.raises(DataError, match="row 0"):
        tool_bonus([1, 0], [-1, 1])
    with pytest.raises(DataError, match="differ"):
        tool_bonus([1, 0], [1])


def test_a_tensor_comes_back_as_a_tensor():
    torch = pytest.importorskip("torch")
    found = tool_bonus(torch.tensor([1.0, 0.0]), torch.tensor([2, 2]))
    assert found.dtype == torch.float32
    assert torch.allclose(found, torch.tensor([1.0, -0.8]))
    assert torch.is_tensor(soft_overlong(torch.tensor([20, 48]), 48, 16))


def test_the_parts_together():
    # right in 20 tokens: 1; wrong after 2 calls, 44 tokens of 48 with a cache of 8: -0.8 - (44 - 40) / 8 = -1.3; unscorable
    parts = RewardParts(48, overlong_cache=8, tool_bonus="code")
    nan = float("nan")
    found = parts(np.array([1.0, 0.0, nan]), np.array([1.0, 0.0, nan]), [20, 44, 48], [2, 2, 1])
    assert found[:2].tolist() == pytest.approx([1.0, -1.3])
    assert np.isnan(found[2])
    assert parts.counts_calls


def test_without_parts_the_rewards_stay_as_they_are():
    given = np.array([0.3, 1.0, np.nan])
    assert np.array_equal(RewardParts(48)(given, np.full(3, np.nan), [48, 1, 1], [0, 0, 0]), given, equal_nan=True)
    assert not RewardParts(48).counts_calls


def test_a_bonus_needs_to_know_what_is_right():
    with pytest.raises(DataError, match="correct of row 1"):
        RewardParts(48, tool_bonus="paper")(np.array([1.0, 0.5]), np.array([1.0, np.nan]), [3, 3], [1, 1])
    with pytest.raises(ConfigError, match="1 to 48"):
        RewardParts(48, overlong_cache=49)
