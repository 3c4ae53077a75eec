"""The baselines of agents with two levels, with numbers worked out by hand, and where they become other baselines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import credit
from hicra.errors import ConfigError, DataError

himac, hiper = credit.BASELINES["himac"], credit.BASELINES["hiper"]


def ones(*shape):
    return np.ones(shape, bool)


# ---- HiMAC
def test_himac_compares_blueprints_with_blueprints_and_executions_with_executions():
    # group 5: blueprints with 1 and 0, mean 1/2: 0.5, -0.5; executions with 1, 1, 1, 0, mean 3/4: 0.25 (three times), -0.75
    batch = {
        "response_mask": ones(6, 2), "episode_ids": np.repeat(np.arange(6), 2).reshape(6, 2),
        "level_ids": np.array([[1, 1], [1, 1], [0, 0], [2, 0], [0, 0], [0, 0]]),
    }  # fmt: skip
    got = himac([1, 0, 1, 1, 1, 0], [5] * 6, batch, scale="none")
    assert got.tolist() == [[0.5] * 2, [-0.5] * 2, *[[0.25] * 2] * 3, [-0.75] * 2]


def test_himac_counts_an_episode_once_however_many_rows_it_has():
    # episode 0 has three rows and the reward 1, episode 1 one row and 0: mean 1/2 and not 3/4
    batch = {
        "response_mask": ones(4, 1), "level_ids": np.zeros((4, 1), int), "episode_ids": np.array([[0], [0], [1], [0]]),
    }  # fmt: skip
    assert himac([1, 1, 0, 1], [9] * 4, batch, scale="none").tolist() == [[0.5], [0.5], [-0.5], [0.5]]
    # unbiased deviation of 1 and 0: sqrt(1/2), so 0.5 / 0.7071 = 0.7071; the others' mean is 0 and 1
    assert himac([1, 1, 0, 1], [9] * 4, batch)[:, 0] == pytest.approx([0.70711, 0.70711, -0.70711, 0.70711], abs=1e-5)
    assert himac([1, 1, 0, 1], [9] * 4, batch, scale="loo")[:, 0].tolist() == [1, 1, -1, 1]


def test_himac_tells_levels_apart_inside_a_row_and_leaves_out_what_has_none():
    # tokens: blueprint, read text, action, no level. Both levels have rewards 1 and 0
    batch = {
        "response_mask": np.array([[1, 0, 1, 1]] * 2), "level_ids": np.array([[1, -1, 0, -1]] * 2),
        "episode_ids": np.array([[0] * 4, [1] * 4]),
    }  # fmt: skip
    assert himac([1, 0], [2, 2], batch, scale="none").tolist() == [[0.5, 0, 0.5, 0], [-0.5, 0, -0.5, 0]]


def test_himac_with_one_level_and_one_row_an_episode_is_grpo_bit_for_bit():
    rng = np.random.default_rng(3)
    rewards, groups = rng.random(24), np.repeat(np.arange(4), 6)
    batch = {
        "response_mask": ones(24, 3), "level_ids": np.zeros((24, 3), int),
        "episode_ids": np.repeat(np.arange(24), 3).reshape(24, 3),
    }  # fmt: skip
    flat = credit.BASELINES["grpo"](rewards, groups)
    assert himac(rewards, groups, batch).tobytes() == np.repeat(flat[:, None], 3, axis=1).tobytes()


def test_himac_with_equal_scores_is_exactly_zero():
    batch = {"response_mask": ones(3, 1), "level_ids": np.ones((3, 1), int), "episode_ids": np.arange(3)[:, None]}
    assert himac([0.1] * 3, [1] * 3, batch).tolist() == [[0]] * 3
    assert himac([7, 3, 5], [1, 2, 3], batch).tolist() == [[0]] * 3


def test_himac_names_the_row_whose_reward_is_not_that_of_its_episode():
    batch = {"response_mask": ones(3, 1), "level_ids": np.zeros((3, 1), int), "episode_ids": np.array([[4], [2], [4]])}
    with pytest.raises(DataError, match=r"row 0 has the reward 1.0, and another row of its episode 4 has 0.0"):
        himac([1, 0, 0], [1] * 3, batch)
    with pytest.raises(DataError, match=r"level_ids\[2, 0\] is -3"):
        himac([1, 0, 0], [1] * 3, batch | {"level_ids": np.array([[0], [0], [-3]])})


# ---- HiPER
def episode(*steps):
    """A row of one token a decision: steps of (switch value or None, subgoal value or None, action value)."""
    told = {name: [] for name in ("turn_ids", "subgoal_mask", "switch_mask", "values")}
    for turn, values in enumerate(steps):
        for kind, value in zip(("switch_mask", "subgoal_mask", "action"), values, strict=True):
            if value is not None:
                told["turn_ids"].append(turn)
                told["values"].append(value)
                told["subgoal_mask"].append(kind == "subgoal_mask")
                told["switch_mask"].append(kind == "switch_mask")
    batch = {name: np.array([values]) for name, values in told.items()}
    return batch | {"response_mask": ones(1, len(told["values"]))}


THREE = episode((None, 0.25, 0.5), (0.5, None, 0.75), (0.5, 1.0, 0.25))  # segments: steps 0 and 1, step 2


def test_hiper_by_hand():
    # R = 2, gamma = lambdas = 1/2. Last segment (step 2): action 2 - 0.25 = 1.75, subgoal 2 - 1 = 1, change 2 - 0.5 = 1.5.
    # First segment, whose end is worth V(subgoal of step 2) = 1: action of step 1: 0 + 0.5 * 1 - 0.75 = -0.25;
    # action of step 0: 0 + 0.5 * 0.75 - 0.5 + 0.5 * 0.5 * -0.25 = -0.125 - 0.0625 = -0.1875;
    # keep at step 1: 0.5 * 1 - 0.5 = 0; subgoal: 0.5^2 * 1 - 0.25 + 0.5^2 * 0.5 * 1 = 0 + 0.125
    got = hiper([2], [0], THREE, gamma=0.5, lam_turn=0.5, lam_seg=0.5)
    assert got.tolist() == [[0.125, -0.1875, 0.0, -0.25, 1.5, 1.0, 1.75]]


def test_hiper_gives_credit_inside_a_subgoal_by_what_follows_it_and_not_by_the_outcome():
    # lambdas 1, gamma 1: actions of the first segment: V(next) - V, whatever R is; the last one: R - V; subgoals: R - V
    for reward in (0, 2):
        got = hiper([reward], [0], THREE, lam_seg=1.0)[0]
        assert got.tolist() == [reward - 0.25, 1 - 0.5, 1 - 0.5, 1 - 0.75, reward - 0.5, reward - 1, reward - 0.25]


@given(
    values=st.lists(st.floats(-2, 2), min_size=1, max_size=8), reward=st.floats(-2, 2), gamma=st.floats(0.1, 1),
    lam=st.floats(0, 1),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_hiper_without_a_switch_is_plain_gae(values, reward, gamma, lam):
    n = len(values)
    # GAE as its sum: A_t = sum_k (gamma lambda)^k (r_{t+k} + gamma V_{t+k+1} - V_{t+k})
    following = [*values[1:], 0.0]
    deltas = [(reward if t == n - 1 else 0.0) + gamma * following[t] - values[t] for t in range(n)]
    plain = [sum((gamma * lam) ** k * deltas[t + k] for k in range(n - t)) for t in range(n)]
    got = hiper([reward], [0], episode(*[(None, None, value) for value in values]), gamma=gamma, lam_turn=lam)
    assert got[0] == pytest.approx(plain, abs=1e-9)
    sure = hiper([reward], [0], episode(*[(None, None, value) for value in values]))
    assert sure[0] == pytest.approx([reward - value for value in values], abs=1e-9)


@given(seed=st.integers(0, 2**32), gamma=st.floats(0.1, 1))
@settings(max_examples=60, deadline=None)
def test_hiper_telescopes_across_subgoals(seed, gamma):
    # with lam_seg 1 the advantage of the first subgoal is the discounted reward less its value, whatever lies between
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    steps = [(None, 0.5, 0.0)] + [
        (rng.random(), rng.random() if rng.random() < 0.5 else None, 0.0) for _ in range(n - 1)
    ]
    got = hiper([3], [0], episode(*steps), gamma=gamma, lam_seg=1.0)
    assert got[0, 0] == pytest.approx(3 * gamma ** (n - 1) - 0.5, abs=1e-9)


def test_hiper_gives_all_tokens_of_a_decision_the_same_and_reads_the_value_of_the_first():
    # one step: subgoal of two tokens with V 0.5, read text, action of two tokens with V 0.25; R = 1
    batch = {
        "response_mask": np.array([[1, 1, 0, 1, 1]]), "turn_ids": np.array([[0, 0, -1, 0, 0]]),
        "subgoal_mask": np.array([[1, 1, 0, 0, 0]]), "switch_mask": np.zeros((1, 5), int),
        "values": np.array([[0.5, 9, np.nan, 0.25, 9]]),
    }  # fmt: skip
    assert hiper([1], [0], batch).tolist() == [[0.5, 0.5, 0, 0.75, 0.75]]


def test_hiper_whitens_each_kind_of_decision_by_itself():
    # two episodes of one step with R 1 and 0 and values 0: advantages 1 and 0 of subgoals, and of actions: mean 1/2, deviation
    # 0.7071. Actions have two tokens and count once
    batch = {
        "response_mask": ones(2, 3), "turn_ids": np.zeros((2, 3), int), "subgoal_mask": np.array([[1, 0, 0]] * 2),
        "switch_mask": np.zeros((2, 3), int), "values": np.zeros((2, 3)),
    }  # fmt: skip
    assert hiper([1, 0], [0, 0], batch, scale="std") == pytest.approx(
        np.array([[0.70711] * 3, [-0.70711] * 3]), abs=1e-5
    )
    assert (hiper([1, 1], [0, 0], batch, scale="std") == 0).all()


def test_hiper_names_a_value_that_is_missing_and_refuses_settings_out_of_range():
    with pytest.raises(DataError, match=r"the value of row 0, token 3 is nan"):
        hiper([1], [0], THREE | {"values": np.where(np.arange(7) == 3, np.nan, THREE["values"])})
    for setting, wrong in (("gamma", 0.0), ("lam_turn", 1.1), ("lam_seg", -0.1)):
        with pytest.raises(ConfigError, match=rf"baseline\.settings\.{setting}"):
            hiper.checked({setting: wrong})
