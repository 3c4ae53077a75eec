"""Baselines: numbers worked out by hand, and the identities that pin each of them."""

import itertools

import numpy as np
import pytest

from hicra import credit
from hicra.credit.baselines.groups import relative
from hicra.credit.baselines.gtpo import shaped_rewards
from hicra.credit.baselines.lambda_grpo import process_set_sizes
from hicra.errors import ConfigError, DataError, MissingField


def call(name, rewards, groups, **settings):
    """The advantages; keys of a batch and settings may stand side by side."""
    entry = credit.BASELINES[name]
    chosen = {key: settings.pop(key) for key in list(settings) if key in entry.settings}
    return entry(rewards, groups, {key: np.asarray(value) for key, value in settings.items()}, **chosen)


def lengths(*rows):
    """A response mask [B,T] of rows of these lengths."""
    return np.arange(max(rows)) < np.array(rows)[:, None]


def random_rewards(seed=0, groups=6, size=4):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, groups * size).astype(float), np.repeat(np.arange(groups), size), rng


# ---- identities between baselines
def test_rloo_is_dr_grpo_times_g_over_g_minus_one():
    rewards, groups, _ = random_rewards()
    assert call("rloo", rewards, groups) == pytest.approx(4 / 3 * call("dr_grpo", rewards, groups))


def test_two_samples_of_grpo():
    # mean 1/2, unbiased deviation sqrt(1/2): 0.5 / 0.7071
    assert call("grpo", [1, 0], [3, 3]) == pytest.approx([0.70711, -0.70711], abs=1e-5)


@pytest.mark.parametrize("name", ["dr_grpo", "grpo", "rloo", "gpg", "pass_at_k", "opo", "lambda_grpo"])
@pytest.mark.parametrize(("rewards", "groups"), [([0.1] * 3, [5] * 3), ([3.0], [5]), ([0.7, 0.2], [1, 2])])
def test_a_group_of_equal_rewards_or_of_one_is_exactly_zero(name, rewards, groups):
    mask = lengths(*range(1, len(rewards) + 1))
    got = call(name, rewards, groups, response_mask=mask, response_ids=mask * 7)
    assert (got == 0).all()


@pytest.mark.parametrize("name", credit.BASELINES)
def test_an_empty_batch_and_one_without_rewards(name):
    for rows in (0, 2):
        fields = {
            "response_mask": np.ones((rows, 3), bool), "response_ids": np.ones((rows, 3), int),
            "state_ids": np.ones((rows, 3), int), "entropies": np.ones((rows, 3)), "action_ids": np.ones((rows, 3), int),
            "node_id": np.ones((rows, 3), int), "parent_id": np.zeros((rows, 3), int), "leaf_reward": np.full((rows, 3), np.nan),
            "values": np.full((rows, 3), np.nan), "old_logprobs": np.zeros((rows, 3)),
            "turn_ids": np.ones((rows, 3), int), "level_ids": np.ones((rows, 3), int), "episode_ids": np.ones((rows, 3), int),
            "subgoal_mask": np.ones((rows, 3), bool), "switch_mask": np.zeros((rows, 3), bool),
        }  # fmt: skip
        got = call(name, [None] * rows, [1] * rows, **fields)
        assert got.shape in ((rows,), (rows, 3))
        assert (got == 0).all()


def test_what_a_baseline_lacks_is_named():
    for name, field in (("opo", "response_mask"), ("lambda_grpo", "response_ids"), ("gigpo", "state_ids")):
        batch = {"response_mask": np.ones((2, 3), bool), "response_ids": 0, "state_ids": 0} | {field: None}
        with pytest.raises(MissingField, match=f"baseline {name!r} needs the batch field {field!r}"):
            credit.BASELINES[name]([1, 0], [1, 1], batch)


@pytest.mark.parametrize(
    ("name", "setting", "wrong"),
    [("maxrl", "all_wrong", "skip"), ("gpg", "nonzero", "all"), ("gigpo", "gamma", 0.0), ("gigpo", "gamma", 1.1),
     ("gigpo", "omega", -1.0), ("lambda_grpo", "scale", "loo"), ("gtpo", "w_entropy", -0.1),
     ("grpo_s", "w_outcome", float("nan"))],
)  # fmt: skip
def test_settings_out_of_range_are_named(name, setting, wrong):
    with pytest.raises(ConfigError, match=rf"baseline\.settings\.{setting}"):
        credit.BASELINES[name].checked({setting: wrong})


@pytest.mark.parametrize("name", ["maxrl", "gtpo", "grpo_s"])
def test_rewards_that_are_no_verdicts_are_refused_by_row(name):
    fields = {"response_mask": np.ones((4, 1)), "entropies": np.ones((4, 1))}
    with pytest.raises(
        DataError, match=rf"rewards must be 0 or 1 for baseline '{name}': that of row 2 is 0.5 \(1 of 3"
    ):
        call(name, [1, None, 0.5, 0], [1] * 4, **fields)


# ---- REINFORCE++
def test_reinforce_pp_by_hand():
    # tokens 1 | 0 0 | 0: mean 1/4, variance (9/16 + 3/16) / 3 = 1/4, deviation 1/2: 0.75 / 0.5 and -0.25 / 0.5
    got = call("reinforce_pp", [1, 0, 0], [1, 2, 3], response_mask=lengths(1, 2, 1))
    assert got == pytest.approx([1.5, -0.5, -0.5], abs=1e-5)


def test_reinforce_pp_baseline_by_hand():
    # less the group's mean 0.5, -0.5 and, alone in its group, 0; tokens 0.5 | -0.5 -0.5 | 0 have the mean -0.125
    # squares 0.625^2 + 2 * 0.375^2 + 0.125^2 = 0.6875; / 3 = 0.229167; deviation 0.478714
    got = call("reinforce_pp_baseline", [1, 0, 1], [7, 7, 8], response_mask=lengths(1, 2, 1))
    assert got == pytest.approx([0.625 / 0.478714, -0.375 / 0.478714, 0.125 / 0.478714], abs=1e-5)


@pytest.mark.parametrize("name", ["reinforce_pp", "reinforce_pp_baseline"])
def test_whitened_tokens_have_mean_0_and_deviation_1(name):
    rewards, groups, rng = random_rewards(1)
    mask = lengths(*rng.integers(1, 9, len(rewards)))
    tokens = np.repeat(call(name, rewards, groups, response_mask=mask), mask.sum(axis=1))
    assert tokens.mean() == pytest.approx(0, abs=1e-12)
    assert tokens.std(ddof=1) == pytest.approx(1, abs=1e-5)


def test_reinforce_pp_looks_at_no_group_and_gives_equal_rewards_zero():
    rewards, groups, rng = random_rewards(2)
    mask = lengths(*rng.integers(1, 9, len(rewards)))
    apart = call("reinforce_pp", rewards, np.arange(len(rewards)), response_mask=mask)
    assert (apart == call("reinforce_pp", rewards, groups, response_mask=mask)).all()
    assert (call("reinforce_pp", rewards * 0 + 0.1, groups, response_mask=mask) == 0).all()


def test_a_rollout_without_tokens_has_no_weight_in_whitening():
    mask = np.array([[1, 1], [1, 0], [0, 0]], bool)
    got = call("reinforce_pp", [1, 0, 100], [1, 1, 1], response_mask=mask)
    assert got[:2].tolist() == call("reinforce_pp", [1, 0], [1, 1], response_mask=mask[:2]).tolist()
    assert got[2] == 0
    assert (call("reinforce_pp", [0.1, 0.1, 0], [1, 1, 1], response_mask=mask) == 0).all()  # 0.3 / 3 is not 0.1


# ---- MaxRL
def test_maxrl_by_hand():
    # p = 1/4: (1 - 1/4) / (1/4) = 3 and (0 - 1/4) / (1/4) = -1; p = 1: 0; p = 0: -1, or 0 in the popular form
    rewards, groups = [1, 0, 0, 0, 1, 1, 0, 0], [1, 1, 1, 1, 2, 2, 3, 3]
    assert call("maxrl", rewards, groups).tolist() == [3, -1, -1, -1, 0, 0, -1, -1]
    assert call("maxrl", rewards, groups, all_wrong="zero").tolist() == [3, -1, -1, -1, 0, 0, 0, 0]


def enumerated(all_wrong, policy, good, size):
    """The expectation of mean_i A_i grad log pi(y_i) over every group of this size, for a softmax policy [K]."""
    groups = np.array(list(itertools.product(range(len(policy)), repeat=size)))
    numbers = np.repeat(np.arange(len(groups)), size)
    advantages = call("maxrl", good[groups].ravel().astype(float), numbers, all_wrong=all_wrong).reshape(groups.shape)
    scores = np.eye(len(policy)) - policy  # gradient of log pi(y) by the logits
    chance = policy[groups].prod(axis=1)
    return np.einsum("g,gi,gik->k", chance, advantages, scores[groups]) / size


@pytest.mark.parametrize("good", [[1, 0, 0, 0], [0, 1, 0, 1]])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_maxrl_has_the_gradient_of_the_truncated_series(good, size):
    # J_G = -sum_{k=1..G} q^k / k with q = 1 - p, so grad J_G = sum_{k=0..G-1} q^k grad p
    policy, good = np.array([0.4, 0.3, 0.2, 0.1]), np.array(good, bool)
    q, grad_p = policy[~good].sum(), policy * (good - policy[good].sum())
    exact = sum(q**k for k in range(size)) * grad_p
    assert enumerated("minus_one", policy, good, size) == pytest.approx(exact, abs=1e-12)
    # with 0 for groups that are all wrong the last term of the series is missing
    biased = enumerated("zero", policy, good, size)
    assert biased == pytest.approx(exact - q ** (size - 1) * grad_p, abs=1e-12)
    if size == 4 and good[0]:  # 0.6^3 / (1 + 0.6 + 0.36 + 0.216) = 0.216 / 2.176 = 9.93 % too small
        assert 1 - biased / exact == pytest.approx(0.0993, abs=1e-4)


# ---- OPO
def test_opo_by_hand():
    # lengths 1 and 3: the baseline is (1 * 1 + 3 * 0) / 4 = 1/4; the other group has (2 * 0.5 + 1 * 2) / 3 = 1
    got = call("opo", [1, 0, 0.5, 2], [1, 1, 2, 2], response_mask=lengths(1, 3, 2, 1))
    assert got == pytest.approx([0.75, -0.25, -0.5, 1])


def test_opo_is_dr_grpo_where_lengths_are_equal_and_its_tokens_sum_to_zero():
    rewards, groups, rng = random_rewards(3)
    same = call("opo", rewards, groups, response_mask=lengths(*[5] * len(rewards)))
    assert same == pytest.approx(call("dr_grpo", rewards, groups))
    mask = lengths(*rng.integers(1, 9, len(rewards)))
    tokens = call("opo", rewards, groups, response_mask=mask) * mask.sum(axis=1)
    assert np.bincount(groups, tokens) == pytest.approx(np.zeros(6), abs=1e-12)


def test_opo_of_a_group_without_tokens_is_zero():
    assert call("opo", [1, 0], [1, 1], response_mask=np.zeros((2, 3), bool)).tolist() == [0, 0]


# ---- GPG
def test_gpg_by_hand():
    # of 8 rollouts 4 are in a mixed group: 8/4 = 2 times 0.75 and -0.25; verl counts the 5 rewards that are not 0: 8/5 = 1.6
    rewards, groups = [1, 0, 0, 0, 1, 1, 1, 1], [1] * 4 + [2] * 4
    assert call("gpg", rewards, groups) == pytest.approx([1.5, -0.5, -0.5, -0.5, 0, 0, 0, 0])
    assert call("gpg", rewards, groups, nonzero="rewards") == pytest.approx([1.2, -0.4, -0.4, -0.4, 0, 0, 0, 0])


def test_gpg_is_dr_grpo_where_every_group_is_mixed():
    rewards, groups = [1, 0, 0, 1, 1, 0], [1, 1, 1, 2, 2, 2]
    assert call("gpg", rewards, groups).tolist() == call("dr_grpo", rewards, groups).tolist()


def test_gpg_counts_scored_rollouts_alone():
    # 2 of 4 scored rollouts are in a mixed group: factor 2
    got = call("gpg", [1, 0, None, 1, 1], [1, 1, 1, 2, 2])
    assert got.tolist() == [1, -1, 0, 0, 0]


# ---- pass@k
def test_pass_at_k_by_hand():
    # 1 - 0.7; the best of 2, 2, 0 are two; -1 - (-3) = 2
    rewards, groups = [0.2, 1, 0.7, 2, 2, 0, -1, -3], [1, 1, 1, 2, 2, 2, 3, 3]
    assert call("pass_at_k", rewards, groups) == pytest.approx([0, 0.3, 0, 0, 0, 0, 2, 0])


def test_pass_at_k_sums_to_what_the_best_rollout_added_to_the_largest_reward():
    rewards = np.random.default_rng(0).normal(size=5)
    left_out = [np.delete(rewards, row).max() for row in range(5)]
    assert call("pass_at_k", rewards, [1] * 5) == pytest.approx(rewards.max() - np.array(left_out))


# ---- lambda-GRPO
IDS = [[5, 6, 7], [5, 6, 8], [5, 9, 9], [4, 6, 7]]


def test_lambda_grpo_by_hand():
    # 5 begins three of four responses, and 5 6 two; what follows, and all of the last one, is nobody else's
    got = call("lambda_grpo", [1, 0, 0, 1], [1] * 4, response_ids=IDS, response_mask=np.ones((4, 3)))
    sets = np.array([[3, 2, 1], [3, 2, 1], [3, 1, 1], [1, 1, 1]])
    assert got == pytest.approx(np.array([[0.5], [-0.5], [-0.5], [0.5]]) / sets)
    # deviation sqrt(1/3): 0.5 * sqrt(3) = 0.866
    got = call("lambda_grpo", [1, 0, 0, 1], [1] * 4, response_ids=IDS, response_mask=np.ones((4, 3)), scale="std")
    assert got[:, 2] == pytest.approx([0.866025, -0.866025, -0.866025, 0.866025], abs=1e-5)


def test_lambda_grpo_leaves_other_groups_and_unscorable_rollouts_out_of_the_sets():
    got = call("lambda_grpo", [1, 0, None, 1], [1, 1, 1, 2], response_ids=[IDS[0]] * 4, response_mask=np.ones((4, 3)))
    assert got.tolist() == [[0.25] * 3, [-0.25] * 3, [0] * 3, [0] * 3]


def test_lambda_grpo_without_a_shared_beginning_is_dr_grpo():
    rewards, groups, _ = random_rewards(4)
    ids = np.arange(len(rewards))[:, None] + np.zeros((1, 5), int)
    got = call("lambda_grpo", rewards, groups, response_ids=ids, response_mask=np.ones(ids.shape))
    assert (got == call("dr_grpo", rewards, groups)[:, None]).all()


def test_a_process_set_ends_where_one_rollout_has_no_policy_token():
    # the second has tool output at position 1, and the third is over; ids under the mask are not looked at
    live = np.array([[1, 1, 1], [1, 0, 1], [1, 0, 0], [1, 0, 1]], bool)
    got = process_set_sizes(np.array([[5, 6, 7], [5, 6, 7], [5, 6, 7], [5, 1, 7]]), live, np.zeros(4, int))
    assert got[0].tolist() == [4, 1, 1]
    assert got[1][[0, 2]].tolist() == [4, 2]
    assert got[3][[0, 2]].tolist() == [4, 2]
    assert got[2][0] == 4


def test_process_sets_against_a_count_row_by_row():
    rng = np.random.default_rng(5)
    for width in (1, 6):
        ids, number = rng.integers(0, 2, (24, width)), rng.integers(0, 3, 24)
        live = np.arange(width) < rng.integers(0, width + 1, 24)[:, None]
        got = process_set_sizes(ids, live, number)
        for row, token in np.argwhere(live):
            same = [
                other
                for other in range(24)
                if number[other] == number[row]
                and live[other, : token + 1].all()
                and (ids[other, : token + 1] == ids[row, : token + 1]).all()
            ]
            assert got[row, token] == len(same)


# ---- GiGPO
def test_gigpo_by_hand():
    # gamma 1/2: the first action of row 0 has the return 1/2 (one action follows), of row 1 it is 0; both were taken in state 0,
    # so they are 1/4 above and below their mean. States 1 and 2 were seen once. omega 2: 0.5 + 2 * 0.25 = 1.
    got = call(
        "gigpo", [1, 0], [9, 9], state_ids=[[0, 0, 1, 1], [0, 0, 2, 2]], response_mask=np.ones((2, 4)), gamma=0.5, omega=2.0
    )  # fmt: skip
    assert got.tolist() == [[1, 1, 0.5, 0.5], [-1, -1, -0.5, -0.5]]


def test_gigpo_counts_a_state_that_a_rollout_comes_back_to():
    # two actions in state 0 with tool output between them: returns 1/2 and 1, mean 3/4; alone in its group, A_episode is 0
    got = call("gigpo", [1], [9], state_ids=[[0, 5, 0]], response_mask=[[1, 0, 1]], gamma=0.5)
    assert got.tolist() == [[-0.25, 0, 0.25]]
    # without the tool output it is one action
    assert call("gigpo", [1], [9], state_ids=[[0, 0, 0]], response_mask=[[1, 1, 1]], gamma=0.5).tolist() == [[0, 0, 0]]


def test_gigpo_knows_tokens_without_an_action():
    # -1 is no action: it gets no step part, and the discount does not count it (the return of state 0 stays 1)
    got = call(
        "gigpo", [1, 0], [9, 9], state_ids=[[0, -1], [0, -1]], response_mask=np.ones((2, 2)), gamma=0.5
    )  # fmt: skip
    assert got.tolist() == [[1, 0.5], [-1, -0.5]]
    with pytest.raises(DataError, match=r"state_ids\[1, 0\] is -2"):
        call("gigpo", [1, 0], [9, 9], state_ids=[[0, -1], [-2, -1]], response_mask=np.ones((2, 2)))
    with pytest.raises(DataError, match=r"state_ids\[0, 0\] is 0.5, no whole number"):
        call("gigpo", [1, 0], [9, 9], state_ids=[[0.5, -1], [0, -1]], response_mask=np.ones((2, 2)))


def test_gigpo_compares_within_a_group_and_scales_each_part():
    # two groups in state 0: 1 and 0 are +-0.7071 in each part; with one state, without the discount, both parts are alike
    got = call(
        "gigpo", [1, 0, 1, 0], [1, 1, 2, 2], state_ids=[[0]] * 4, response_mask=np.ones((4, 1)), gamma=1.0, scale="std"
    )  # fmt: skip
    assert got[:, 0] == pytest.approx([1.41421, -1.41421, 1.41421, -1.41421], abs=1e-5)
    apart = call("gigpo", [1, 0], [1, 2], state_ids=[[0]] * 2, response_mask=np.ones((2, 1)))
    assert apart.tolist() == [[0], [0]]


def test_gigpo_with_omega_0_is_its_episode_part():
    rewards, groups, rng = random_rewards(6)
    states, mask = rng.integers(-1, 3, (len(rewards), 7)), rng.random((len(rewards), 7)) < 0.8
    got = call("gigpo", rewards, groups, state_ids=states, response_mask=mask, omega=0.0)
    assert (got == np.where(mask, call("dr_grpo", rewards, groups)[:, None], 0)).all()


# ---- GTPO and GRPO-S
ENTROPIES, LENGTHS = [[3, 1], [1, 0], [0.5, 0], [1.5, 0]], (2, 1, 1, 1)


def test_gtpo_by_hand():
    # right, t=0: shares 3/4 and 1/4 of d = 2: 1 + 0.1 * 2 * 3/4 = 1.15 and 1.05; t=1, alone: 1.1. Mean 1.1, deviation 0.05.
    # wrong: 1/H is 2 and 2/3, shares 3/4 and 1/4: -1.15 and -1.05. Mean -1.1, deviation 0.1 / sqrt(2).
    got = call("gtpo", [1, 1, 0, 0], [1] * 4, entropies=ENTROPIES, response_mask=lengths(*LENGTHS))
    assert got == pytest.approx(np.array([[1, 0], [-1, 0], [-0.70711, 0], [0.70711, 0]]), abs=1e-4)


def test_grpo_s_by_hand():
    # mean entropies 2 (of 3 and 1) and 2/3 of right ones: shares 3/4 and 1/4 of n = 2: 1.15 and 1.05; the wrong ones as in GTPO
    entropies = [[3, 1], [2 / 3, 0], [0.5, 0], [1.5, 0]]
    got = call("grpo_s", [1, 1, 0, 0], [1] * 4, entropies=entropies, response_mask=lengths(*LENGTHS))
    assert got == pytest.approx([0.70711, -0.70711, -0.70711, 0.70711], abs=1e-4)


def test_gtpo_conserves_the_reward_of_a_position():
    rng = np.random.default_rng(7)
    live, good = lengths(*rng.integers(0, 9, 16)), np.arange(16) % 3 == 0
    shaped = shaped_rewards(rng.exponential(0.5, live.shape), live, good.astype(int), good, 0.7, 0.2)
    assert shaped[good].sum(axis=0) == pytest.approx(0.9 * live[good].sum(axis=0))
    assert shaped[~good].sum(axis=0) == pytest.approx(-0.9 * live[~good].sum(axis=0))
    assert (shaped[~live] == 0).all()


@pytest.mark.parametrize("name", ["gtpo", "grpo_s"])
def test_normalising_right_and_wrong_apart_lets_the_weights_cancel(name):
    rewards, groups, rng = random_rewards(8)
    fields = {
        "entropies": rng.exponential(0.5, (len(rewards), 6)),
        "response_mask": lengths(*rng.integers(1, 7, len(rewards))),
    }
    got = call(name, rewards, groups, **fields)
    assert call(name, rewards, groups, w_outcome=5.0, **fields) == pytest.approx(got, abs=1e-9)
    assert call(name, rewards, groups, w_entropy=0.4, **fields) == pytest.approx(got, rel=1e-2)
    assert (call(name, rewards, groups, w_entropy=0.0, **fields) == 0).all()
    values = got if got.ndim == 1 else got.sum(axis=1)
    for group, outcome in itertools.product(range(6), (0, 1)):
        assert values[(groups == group) & (rewards == outcome)].sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", ["gtpo", "grpo_s"])
def test_entropies_of_0_share_equally_and_negative_ones_are_refused(name):
    mask = np.ones((2, 2), bool)
    for entropies in (np.zeros((2, 2)), np.full((2, 2), -1e-9)):
        for rewards in ([1, 1], [0, 0]):
            assert (call(name, rewards, [1, 1], entropies=entropies, response_mask=mask) == 0).all()
    with pytest.raises(DataError, match=r"entropy of row 1, token 0 is -2, below 0 \(1 of 4"):
        call(name, [1, 0], [1, 1], entropies=[[1, 1], [-2.0, 1]], response_mask=mask)


def test_grpo_s_leaves_out_a_rollout_without_tokens():
    mask = np.array([[1], [1], [0]], bool)
    got = call("grpo_s", [1, 1, 1], [1] * 3, entropies=[[3], [1], [0]], response_mask=mask)
    assert got == pytest.approx([0.70711, -0.70711, 0], abs=1e-4)


# ---- CARL and the trees of SPO
# 0 -> 1 -> 3 (reward 1), 1 -> 4 (reward 0.5) and 0 -> 2 (reward 0), of two tokens, one, one and two; one row for each end
NO = np.nan
TREE = {
    "response_mask": [[1, 1, 1], [1, 0, 0], [1, 1, 0]],
    "node_id": [[1, 1, 3], [2, -1, -1], [4, 4, -1]],
    "parent_id": [[0, 0, 1], [0, -1, -1], [1, 1, -1]],
    "leaf_reward": [[NO, NO, 1], [0, NO, NO], [0.5, 0.5, NO]],
    "old_logprobs": np.log(np.full((3, 3), 0.5)),
}


def test_carl_by_hand():
    # V(1) = (1 + 0.5) / 2 = 0.75, V(0) = (0.75 + 0) / 2 = 0.375; to 1 and 2: 0.375 more and less; to 3 and 4: 0.25 more and less
    got = call("carl", [1, 0, 0.5], [9, 9, 9], **TREE)
    assert got.tolist() == [[0.375, 0.375, 0.25], [-0.375, 0, 0], [-0.25, -0.25, 0]]
    # along the path to 3: 0.375 + 0.25 = 1 - 0.375; the mean over ends, 0.5, would be the leaf-weighted value of the root


def test_carl_of_a_state_with_one_child_is_zero_and_may_be_left_out():
    # 1 -> 3 -> 5 (reward 1): state 3 has one child, so its value is that of 5, and the way on from it is worth nothing
    long = TREE | {
        "response_mask": [[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]],
        "node_id": [[1, 1, 3, 5], [2, -1, -1, -1], [4, 4, -1, -1]],
        "parent_id": [[0, 0, 1, 3], [0, -1, -1, -1], [1, 1, -1, -1]],
        "leaf_reward": [[NO, NO, NO, 1], [0, NO, NO, NO], [0.5, 0.5, NO, NO]],
    }
    got = call("carl", [1, 0, 0.5], [9, 9, 9], **long)
    assert got.tolist() == [[0.375, 0.375, 0.25, 0], [-0.375, 0, 0, 0], [-0.25, -0.25, 0, 0]]
    # the action from 3 is no policy token, and the one before it is said to lead to where that one ends
    short = long | {
        "response_mask": [[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0]],
        "node_id": [[1, 1, 5, -1], [2, -1, -1, -1], [4, 4, -1, -1]],
        "leaf_reward": [[NO, NO, 1, NO], [0, NO, NO, NO], [0.5, 0.5, NO, NO]],
    }
    assert (call("carl", [1, 0, 0.5], [9, 9, 9], **short) == got).all()


def test_carl_leaves_out_what_nobody_scored():
    # without the row of 4: V(1) = 1, V(0) = 0.5. Without the row of 2 the action to 1 is alone.
    got = call("carl", [1, 0, None], [9, 9, 9], **TREE)
    assert got.tolist() == [[0.5, 0.5, 0], [-0.5, 0, 0], [0, 0, 0]]
    assert call("carl", [1, None, 0.5], [9, 9, 9], **TREE)[0].tolist() == [0, 0, 0.25]
    # state 3 is an end that has no reward
    unknown = TREE | {"leaf_reward": [[NO, NO, NO], [0, NO, NO], [0.5, 0.5, NO]]}
    assert call("carl", [1, 0, 0.5], [9, 9, 9], **unknown).tolist() == [[0.25, 0.25, 0], [-0.25, 0, 0], [0, 0, 0]]


def test_ids_mean_nothing_in_another_tree():
    twice = {name: [*value, *value] for name, value in TREE.items()}
    got = call("carl", [1, 0, 0.5] * 2, [9] * 3 + [4] * 3, **twice)
    assert (got[:3] == got[3:]).all()
    assert (got[:3] == call("carl", [1, 0, 0.5], [9] * 3, **TREE)).all()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"node_id": [[1, 1, 3], [2, -1, -1], [3, 3, -1]], "leaf_reward": [[NO, NO, 1], [0, NO, NO], [0.5, 0.5, NO]]},
         "leaf_reward: two actions lead to node 3 and differ in it; one has 0.5"),
        ({"node_id": [[1, 1, 3], [2, -1, -1], [1, 4, -1]], "parent_id": [[0, 0, 1], [0, -1, -1], [2, 1, -1]],
          "leaf_reward": [[NO, NO, 1], [NO, NO, NO], [NO, 0.5, NO]]}, "parent_id: two actions lead to node 1 .*one has 2"),
        ({"leaf_reward": [[0.3, 0.3, 1], [0, NO, NO], [0.5, 0.5, NO]]}, "node 1 has a leaf_reward and is the parent"),
        ({"parent_id": [[3, 3, 1], [0, -1, -1], [1, 1, -1]], "leaf_reward": [[NO, NO, NO], [0, NO, NO], [0.5, 0.5, NO]]},
         "node [13] comes after itself"),
        ({"node_id": [[1, 1, 3], [-2, -1, -1], [4, 4, -1]]}, r"node_id\[1, 0\] is -2"),
        ({"node_id": [[1, 1, 3]] * 2}, r"node_id has shape \(2, 3\)"),
    ],
)  # fmt: skip
def test_what_is_no_tree_is_named(changed, says):
    with pytest.raises(DataError, match=says):
        call("carl", [1, 0, 0.5], [9, 9, 9], **(TREE | changed))


@pytest.mark.parametrize(("tree", "plain", "scale"), [
    ("carl", "dr_grpo", None), ("spo_tree", "dr_grpo", "none"), ("spo_tree", "grpo", "std"), ("spo_tree", "rloo", "loo"),
])  # fmt: skip
def test_a_tree_that_forks_at_the_root_alone_is_a_group(tree, plain, scale):
    rewards, groups, _ = random_rewards(11)
    column = np.arange(len(rewards))[:, None] + 1
    fields = {
        "response_mask": np.ones((len(rewards), 1), bool), "node_id": column, "parent_id": column * 0,
        "leaf_reward": rewards[:, None], "old_logprobs": np.full((len(rewards), 1), -1.0),
    }  # fmt: skip
    got = call(tree, rewards, groups, **fields, **({"scale": scale} if scale else {}))
    assert got[:, 0] == pytest.approx(call(plain, rewards, groups), abs=1e-12)


def test_spo_tree_by_hand():
    # siblings 0.75 and 0: unbiased deviation 0.75 / sqrt(2) = 0.53033; 1 and 0.5: 0.5 / sqrt(2) = 0.353553
    got = call("spo_tree", [1, 0, 0.5], [9, 9, 9], **TREE, scale="std")
    assert got == pytest.approx(
        np.array([[0.70711, 0.70711, 0.70711], [-0.70711, 0, 0], [-0.70711, -0.70711, 0]]), abs=1e-5
    )
    # less the other sibling: 0.75 - 0 and 1 - 0.5
    got = call("spo_tree", [1, 0, 0.5], [9, 9, 9], **TREE, scale="loo")
    assert got.tolist() == [[0.75, 0.75, 0.5], [-0.75, 0, 0], [-0.5, -0.5, 0]]
    # tokens that were sure, 0.9 itself among them, have nothing
    sure = TREE | {"old_logprobs": np.log([[0.95, 0.5, 0.9], [0.89, 1, 1], [0.5, 0.91, 1]])}
    assert call("spo_tree", [1, 0, 0.5], [9, 9, 9], **sure).tolist() == [[0, 0.375, 0], [-0.375, 0, 0], [-0.25, 0, 0]]
    assert call("spo_tree", [1, 0, 0.5], [9, 9, 9], **sure, probability=0.905)[0, 2] == 0.25


# ---- VinePPO and the chain of SPO
STEPS = {
    "response_mask": [[1, 1, 0, 1, 1], [1, 1, 0, 0, 0]],
    "action_ids": [[0, 0, -1, 1, 1], [0, -1, -1, -1, -1]],
    "values": [[0.5, 0.5, NO, 0.75, 0.75], [0.25, NO, NO, NO, NO]],
}


def test_vineppo_by_hand():
    # 0.75 - 0.5 = 0.25, then 1 - 0.75 = 0.25; the second row has one step, 0 - 0.25, and a token that belongs to none
    got = call("vineppo", [1, 0], [9, 9], **STEPS)
    assert got.tolist() == [[0.25, 0.25, 0, 0.25, 0.25], [-0.25, 0, 0, 0, 0]]
    assert call("vineppo", [None, 0], [9, 9], **STEPS)[0].tolist() == [0] * 5


def test_a_step_goes_on_behind_what_the_environment_wrote():
    got = call("vineppo", [1], [9], response_mask=[[1, 0, 1]], action_ids=[[0, -1, 0]], values=[[0.5, NO, 0.5]])
    assert got.tolist() == [[0.5, 0, 0.5]]
    with pytest.raises(DataError, match=r"values\[0, 2\] is 0.75, and its step 0 begins with 0.5"):
        call("vineppo", [1], [9], response_mask=[[1, 0, 1]], action_ids=[[0, -1, 0]], values=[[0.5, NO, 0.75]])


def test_a_step_without_a_value_is_named():
    values = [[0.5, 0.5, NO, NO, 0.75], STEPS["values"][1]]
    with pytest.raises(DataError, match=r"values\[0, 3\] is nan \(1 tokens of steps have no finite value\)") as error:
        call("vineppo", [1, 0], [9, 9], **(STEPS | {"values": values}))
    assert "None as the reward" in error.value.fix
    assert call("vineppo", [None, 0], [9, 9], **(STEPS | {"values": values}))[1, 0] == -0.25
    turned = {name: value[::-1] for name, value in (STEPS | {"values": values}).items()}
    with pytest.raises(
        DataError, match=r"values\[1, 3\] is nan"
    ):  # the row of the batch, whose first one is unscorable
        call("vineppo", [None, 0], [9, 9], **turned)


def test_the_steps_of_a_rollout_sum_to_its_reward_less_its_first_value():
    rng = np.random.default_rng(12)
    steps = np.sort(rng.integers(0, 5, (20, 9)), axis=1)
    values = rng.random((20, 5))[np.arange(20)[:, None], steps]
    rewards = rng.random(20)
    got = call("vineppo", rewards, np.zeros(20), response_mask=np.ones((20, 9)), action_ids=steps, values=values)
    first = np.diff(steps, axis=1, prepend=-1) > 0  # one token of each step
    assert (got * first).sum(axis=1) == pytest.approx(rewards - values[:, 0])


def test_spo_chain_by_hand():
    # as VinePPO, on tokens below 0.9 alone
    logps = np.log([[0.95, 0.5, 1, 0.9, 0.899], [0.5, 0.5, 1, 1, 1]])
    got = call("spo_chain", [1, 0], [9, 9], **STEPS, old_logprobs=logps)
    assert got.tolist() == [[0, 0.25, 0, 0, 0.25], [-0.25, 0, 0, 0, 0]]
    assert call("spo_chain", [1, 0], [9, 9], **STEPS, old_logprobs=logps, probability=0.6)[0].tolist() == [
        0,
        0.25,
        0,
        0,
        0,
    ]


# ---- what they share
def test_relative_by_hand():
    # means 2 and 7; deviations 1 and none; times 2/1 for the first
    values, number = np.array([1.0, 7.0, 3.0]), np.array([0, 1, 0])
    assert relative(values, number).tolist() == [-1, 0, 1]
    assert relative(values, number, "std") == pytest.approx([-1 / 2**0.5, 0, 1 / 2**0.5], abs=1e-5)
    assert relative(values, number, "loo").tolist() == [-2, 0, 2]
