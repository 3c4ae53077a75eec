"""Shapers that weigh single tokens: numbers worked out by hand, and what is always true of each."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from hicra import credit
from hicra.credit.shapers import ktae
from hicra.credit.shapers.perplexity_shaping import log_perplexities, standardised
from hicra.credit.shapers.position_shaping import bonus
from hicra.credit.shapers.sepa import pool
from hicra.errors import ConfigError

STRENGTH = {
    "light_gtpo": "beta", "sepa": "beta", "taco": "suppression", "perplexity_shaping": "alpha", "position_shaping": "gamma",
    "ktae": "bound",
}  # fmt: skip


def call(name, advantages, batch, **chosen):
    rows = np.asarray(advantages, float)
    return credit.METHODS[name](rows, {"response_mask": np.ones(rows.shape, bool), **batch}, **chosen)


@st.composite
def cases(draw):
    """(A [B,T], batch): rewards of which some are unscorable, ragged rows with holes, some rows empty."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    groups, size, width = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 12))
    rows = groups * size
    live = (np.arange(width) < rng.integers(0, width + 1, rows)[:, None]) & (rng.random((rows, width)) < 0.9)
    rewards = np.where(rng.random(rows) < 0.15, np.nan, rng.integers(0, 2, rows))
    batch = {
        "response_mask": live, "response_ids": rng.integers(0, 6, live.shape), "rewards": rewards,
        "group_ids": rng.permutation(np.repeat(rng.integers(0, 10**9, groups), size)),
        "planning_mask": (rng.random(live.shape) < 0.4) & live, "entropies": rng.exponential(0.5, live.shape),
        "old_logprobs": -rng.exponential(rng.choice([0.5, 20]), live.shape),
    }  # fmt: skip
    advantages = credit.group_advantages(rewards, batch["group_ids"])
    return np.repeat(advantages[:, None], width, axis=1), batch


# ---- what is always true
@pytest.mark.parametrize("name", STRENGTH)
@given(case=cases())
@settings(max_examples=50)
def test_no_strength_gives_the_advantages_back_bit_for_bit(name, case):
    advantages, batch = case
    advantages[:, ::3] = -0.0  # a zero with a sign is given back with it
    for dtype in (np.float64, np.float32):
        given = advantages.astype(dtype)
        assert credit.METHODS[name](given, batch, **{STRENGTH[name]: 0.0}).tobytes() == given.tobytes()


@pytest.mark.parametrize("name", STRENGTH)
@given(case=cases())
@settings(max_examples=50)
def test_neither_padding_nor_the_order_of_rows_matters(name, case):
    advantages, batch = case
    live, method = batch["response_mask"], credit.METHODS[name]
    out = method(advantages, batch)
    order = np.random.default_rng(1).permutation(len(live))
    assert method(advantages[order], {key: value[order] for key, value in batch.items()}) == pytest.approx(out[order])
    dirty = {
        key: value if value.ndim == 1 else np.where(live, value, 1).astype(value.dtype) for key, value in batch.items()
    }
    wide = {key: value if value.ndim == 1 else np.pad(value, ((0, 0), (2, 3))) for key, value in dirty.items()}
    wide["response_mask"] = np.pad(live, ((0, 0), (2, 3)))
    got = method(np.pad(np.where(live, advantages, 9.0), ((0, 0), (2, 3))), wide)
    assert got[:, 2:-3][live] == pytest.approx(out[live])


@given(case=cases(), strength=st.floats(0, 1), mild=st.floats(0, 0.3))
@settings(max_examples=50)
def test_no_advantage_changes_its_sign(case, strength, mild):
    advantages, batch = case
    for name in ("light_gtpo", "sepa", "taco", "position_shaping"):
        assert credit.METHODS[name].keeps_sign
        shaped = credit.METHODS[name](advantages, batch, **{STRENGTH[name]: strength})
        assert (np.sign(shaped) * np.sign(advantages) >= 0).all()
        assert ((shaped == 0) == (advantages == 0)).all() or strength == 1  # at 1 a weight may be 0
    # at most 12 rows, so no standardised value exceeds sqrt(11) = 3.32 and alpha 0.3 stays below 1 / 3.32
    shaped = credit.METHODS["perplexity_shaping"](advantages, batch, alpha=mild)
    assert (np.sign(shaped) == np.sign(advantages)).all()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("forking_tokens", {"normalise": "kept"}), ("light_gtpo", {"beta": -0.1}), ("sepa", {"pooling": 1.1}),
        ("taco", {"tail": 0.0}), ("taco", {"suppression": 1.5}), ("perplexity_shaping", {"alpha": 1.0}),
        ("position_shaping", {"gamma": -1.0}), ("position_shaping", {"steepness": 0.0}), ("ktae", {"bound": -1.0}),
        ("ktae", {"k1": 0.0}), ("ktae", {"b": 1.5}),
    ],
)  # fmt: skip
def test_a_setting_out_of_range_is_named(name, wrong):
    with pytest.raises(ConfigError, match=rf"method\.settings\.{next(iter(wrong))}"):
        credit.get_method(name, wrong)


# ---- forking tokens
def test_forking_tokens_over_the_selected_has_the_mean_of_the_kept():
    # of 10 tokens, the 2 of most entropy are kept: each counts 10 / 2 = 5 times
    entropies = np.arange(10.0).reshape(2, 5)
    advantages = np.array([[1.0] * 5, [-0.5] * 5])
    got = call("forking_tokens", advantages, {"entropies": entropies}, normalise="selected")
    assert got.tolist() == [[0] * 5, [0, 0, 0, -2.5, -2.5]]
    assert got.mean() == -0.5  # the mean over all tokens is that over the kept ones
    assert call("forking_tokens", advantages, {"entropies": entropies}).mean() == pytest.approx(-0.1)
    # rho 1 keeps all tokens, and nothing is left to divide by
    assert (
        call("forking_tokens", advantages, {"entropies": entropies}, rho=1.0, normalise="selected") == advantages
    ).all()


def test_forking_tokens_counts_policy_tokens_and_ties():
    # 6 policy tokens; the 0.8 quantile of 1 2 2 2 2 3 is 2 (place 0.8 * 5 = 4), so five are kept: 6 / 5 = 1.2
    batch = {
        "response_mask": np.array([[1, 1, 1, 0], [1, 1, 1, 0]], bool),
        "entropies": np.array([[1.0, 2, 2, 99], [2, 2, 3, 99]]),
    }
    got = call("forking_tokens", np.ones((2, 4)), batch, normalise="selected")
    assert got[:, :3] == pytest.approx(np.array([[0, 1.2, 1.2], [1.2, 1.2, 1.2]]))


# ---- weights by entropy
def test_light_gtpo_by_hand():
    # mean of 1 and 3 is 2: weights 1 + 0.1 (1/2 - 1) = 0.95 and 1 + 0.1 (3/2 - 1) = 1.05; the padding does not count
    batch = {"response_mask": np.array([[1, 1, 0]], bool), "entropies": np.array([[1.0, 3.0, 50.0]])}
    assert call("light_gtpo", [[-2.0, -2.0, -2.0]], batch) == pytest.approx(np.array([[-1.9, -2.1, -2.0]]))
    # beta 3: 1 + 3 (-1/2) < 0 becomes 0, and 1 + 3/2 = 2.5
    assert call("light_gtpo", [[-2.0, -2.0, -2.0]], batch, beta=3.0).tolist() == [[0.0, -5.0, -2.0]]


def test_an_entropy_that_rounding_made_negative_counts_as_0():
    # 0 and 3 have the mean 3/2: weights 1 - 1/2 and 1 + 1/2
    got = call("light_gtpo", [[1.0, 1.0]], {"entropies": np.array([[-0.2, 3.0]])}, beta=0.5)
    assert got.tolist() == [[0.5, 1.5]]


def test_light_gtpo_leaves_a_row_without_entropy_as_it_is():
    batch = {"entropies": np.array([[0.0, 0.0], [-1e-9, 0.0], [1.0, 1.0]])}
    assert call("light_gtpo", [[0.3, 0.3]] * 3, batch, beta=1.0).tolist() == [[0.3, 0.3]] * 3


@given(case=cases(), beta=st.floats(0, 1))
@settings(max_examples=50)
def test_light_gtpo_keeps_the_mean_of_a_row(case, beta):
    advantages, batch = case
    live = batch["response_mask"]
    shaped = credit.METHODS["light_gtpo"](advantages, batch, beta=beta)
    assert np.sum(shaped, axis=1, where=live) == pytest.approx(np.sum(advantages, axis=1, where=live), abs=1e-9)


def test_sepa_by_hand():
    # the first token plans. Execution entropies 1 and 3 have the mean 2: lambda 1/2 makes them 1.5 and 2.5. The mean of all
    # three is 8/3: weights 1 + 0.1 (4 * 3/8 - 1) = 1.05, 1 + 0.1 (1.5 * 3/8 - 1) = 0.95625, 1 + 0.1 (2.5 * 3/8 - 1) = 0.99375
    batch = {"planning_mask": np.array([[True, False, False]]), "entropies": np.array([[4.0, 1.0, 3.0]])}
    got = call("sepa", [[1.0, 1.0, 1.0]], batch, pooling=0.5)
    assert got == pytest.approx(np.array([[1.05, 0.95625, 0.99375]]))
    # lambda 1 makes both 2: 1 + 0.1 (2 * 3/8 - 1) = 0.975
    assert call("sepa", [[1.0, 1.0, 1.0]], batch) == pytest.approx(np.array([[1.05, 0.975, 0.975]]))


@given(case=cases(), pooling=st.floats(0, 1))
@settings(max_examples=50)
def test_pooling_shrinks_the_variance_of_execution_entropies_and_keeps_their_mean(case, pooling):
    advantages, batch = case
    execution = batch["response_mask"] & ~batch["planning_mask"]
    pooled = pool(batch["entropies"], execution, pooling)
    assert (pooled == batch["entropies"])[~execution].all()
    for before, after, on in zip(batch["entropies"], pooled, execution, strict=True):
        if on.any():
            assert after[on].var() == pytest.approx((1 - pooling) ** 2 * before[on].var(), abs=1e-12)
            assert after[on].mean() == pytest.approx(before[on].mean())
    unpooled = credit.METHODS["sepa"](advantages, batch, pooling=0.0)
    assert unpooled.tobytes() == credit.METHODS["light_gtpo"](advantages, batch).tobytes()


# ---- probabilities
def test_taco_by_hand():
    # tail 0.01 and H = 0: p = 0.005 has r = log(0.01 / 0.005) = log 2, so w = 1 - 0.9 (1 - 1/2) = 0.55; p = 0.02 has r < 0.
    # With H = log 2 the bound is 0.005, so p = 0.0025 has r = log 2 too, and p = 0.005 has r = 0.
    p = np.array([[0.005, 0.02, 0.0025, 0.006]] * 2)
    batch = {"old_logprobs": np.log(p), "entropies": np.array([[0, 0, math.log(2), math.log(2)]] * 2)}
    got = call("taco", [[2.0] * 4, [-2.0] * 4], batch)
    assert got == pytest.approx(np.array([[1.1, 2.0, 1.1, 2.0], [-2.0] * 4]))
    assert (got[1] == -2.0).all()
    # suppression 1 leaves exp(-r) = 1/2
    assert call("taco", [[2.0] * 4, [-2.0] * 4], batch, suppression=1.0)[0, 0] == pytest.approx(1.0)


def test_taco_at_the_ends():
    # a token that hardly could be sampled keeps 1 - 0.9; without surprise and below the bound of the tail nothing is lost
    batch = {"old_logprobs": np.array([[-800.0, 0.0]]), "entropies": np.array([[0.0, 0.0]])}
    assert call("taco", [[1.0, 1.0]], batch) == pytest.approx(np.array([[0.1, 1.0]]))


# ---- perplexity
def test_perplexity_shaping_by_hand():
    # log-perplexities (1 + 3) / 2 = 2 and 4, mean 3, deviation 1: weights -1 and 1; the third row has no token and is not counted
    batch = {
        "response_mask": np.array([[1, 1], [1, 0], [0, 0]], bool),
        "old_logprobs": np.array([[-1.0, -3.0], [-4.0, 0.0], [-50.0, -50.0]]),
    }
    got = call("perplexity_shaping", [[1.0, 1.0], [-1.0, -1.0], [0.5, 0.5]], batch, alpha=0.1)
    assert got == pytest.approx(np.array([[1.1, 1.1], [-0.9, -1.0], [0.5, 0.5]]))


@pytest.mark.parametrize("logprob", [-0.1, -1 / 3, -700.1])
def test_equal_perplexities_are_grpo(logprob):
    # the same log-probability on 3, 10 and 7 tokens: the means differ by rounding alone
    live = np.arange(10) < np.array([[3], [10], [7]])
    means = log_perplexities(np.full(live.shape, logprob), live)
    assert means == pytest.approx(-logprob)
    advantages = np.repeat([[0.3], [-0.3], [0.1]], 10, axis=1)
    batch = {"response_mask": live, "old_logprobs": np.full(live.shape, logprob)}
    assert call("perplexity_shaping", advantages, batch, alpha=0.5).tobytes() == advantages.tobytes()


@given(values=st.lists(st.floats(-50, 50).map(lambda x: round(x, 3)), min_size=2, max_size=20, unique=True))
def test_the_weights_average_0_and_have_variance_1(values):
    weights = standardised(np.array([math.nan, *values]))
    assert weights[0] == 0
    assert weights[1:].mean() == pytest.approx(0, abs=1e-9)
    assert weights[1:].var() == pytest.approx(1)
    assert np.abs(weights).max() <= math.sqrt(len(values) - 1) + 1e-9


# ---- position
def test_position_shaping_by_hand():
    # steepness 2 log 3: at t/n = 1/2 the bonus is 0.2 / 2 = 0.1, at t/n = 1 it is 0.2 / (1 + exp(-log 3)) = 0.2 * 3/4 = 0.15.
    # The token in the middle is of a tool and takes no place.
    live = np.array([[1, 0, 1]] * 3, bool)
    got = call(
        "position_shaping",
        [[1.0] * 3, [-1.0] * 3, [0.0] * 3],
        {"response_mask": live},
        gamma=0.2,
        steepness=2 * math.log(3),
    )
    assert got == pytest.approx(np.array([[1.1, 1.0, 1.15], [-1.1, -1.0, -1.15], [0.0, 0.0, 0.0]]))


@given(case=cases(), steepness=st.floats(0.1, 1e6))
@settings(max_examples=50)
def test_the_bonus_grows_with_the_position_and_stays_below_gamma(case, steepness):
    live = case[1]["response_mask"]
    for row, on in zip(bonus(live, 0.1, steepness), live, strict=True):
        assert (np.diff(row[on]) >= 0).all()
        assert (row[on] >= 0).all()
        assert (row[on] <= 0.1).all()


def test_the_bonus_of_a_long_response_averages_half_of_gamma():
    assert bonus(np.ones((1, 2000), bool), 0.1, 10.0).mean() == pytest.approx(0.05, abs=1e-4)


# ---- association with right rollouts
def grouped(ids, rewards, **more):
    return {"response_ids": np.array(ids), "rewards": np.array(rewards, float), "group_ids": np.ones(len(ids)), **more}


def test_ktae_without_frequencies_by_hand():
    # two right rollouts hold token 7, two wrong ones token 8, all four token 5. Token 7: of the 6 tables with these sums, 1 is as
    # seen and 1 as rare, so p = 1/3 and F = exp(-2/3) = 0.513417; it tells the outcome, so IG = 1 bit; D = asin 1 - asin 0.
    # value = tanh((0.5134/2 + 1/2) (pi/2) / 2) = tanh(0.594318) = 0.532994. Token 8 is its mirror, token 5 says nothing.
    batch = grouped([[7, 5], [7, 5], [8, 5], [8, 5]], [1, 1, 0, 0])
    got = call("ktae", [[0.5, 0.5]] * 2 + [[-0.5, -0.5]] * 2, batch, h3=0.0)
    value = 0.532994
    assert got == pytest.approx(np.array([[0.5 + value, 0.5]] * 2 + [[-0.5 - value, -0.5]] * 2), abs=1e-5)
    assert (got[:, 1] == [0.5, 0.5, -0.5, -0.5]).all()
    # half the bound, half the value: the form that the paper prints
    half = call("ktae", [[0.0, 0.0]] * 4, batch, h3=0.0, bound=0.5)
    assert half[:, 0] == pytest.approx([value / 2, value / 2, -value / 2, -value / 2], abs=1e-5)


def test_ktae_with_frequencies_by_hand():
    # right: 7 7 and 5 5; wrong: 7 5. Token 7 stands in 1 of 2 right and 1 of 1 wrong rollouts.
    # Fisher: both tables with these sums are at most as likely as the one seen, p = 1, F = 0.
    # IG: H(2/3) = 0.918296; given 7 (2 of 3 rollouts) 1 bit, without it 0: 0.918296 - 0.666667 = 0.251629.
    # shares: asin sqrt(1/2) - asin 1 = -pi/4. Frequencies 2/4 and 1/2; the sides have 4 and 2 tokens, 3 on average:
    # TF = 3/2 / (1/2 + 2 (1/2 + 1/2 * 4/3)) = 9/17 and 3/2 / (1/2 + 2 (1/2 + 1/2 * 2/3)) = 9/13; 13/17 - 17/13 = -0.542986.
    # value = tanh(0.251629 / 2 * (-0.785398 - 0.542986) / 2) = tanh(-0.083567) = -0.083373.
    # Token 5 stands in 1 of 2 right and 1 of 1 wrong rollouts as often as 7 does, so it has the same value.
    batch = grouped([[7, 7], [5, 5], [7, 5]], [1, 1, 0])
    got = call("ktae", [[0.0, 0.0]] * 3, batch)
    assert got == pytest.approx(np.full((3, 2), -0.083373), abs=1e-5)


def test_ktae_drives_a_token_of_one_side_to_the_bound():
    # 3/5 over 1e-5: the ratio of frequencies is 60000
    batch = grouped([[7, 5], [7, 5], [8, 5], [8, 5]], [1, 1, 0, 0])
    got = call("ktae", [[0.0, 0.0]] * 4, batch, bound=0.3)
    assert got.tolist() == [[0.3, 0.0], [0.3, 0.0], [-0.3, 0.0], [-0.3, 0.0]]


def test_ktae_changes_nothing_where_no_outcome_can_be_told():
    advantages = np.array([[0.25, 0.25], [-0.25, -0.25]])
    ids = [[7, 5], [8, 5]]
    for rewards in ([1, 1], [0, 0], [1, math.nan], [math.nan, math.nan]):
        assert call("ktae", advantages, grouped(ids, rewards)).tolist() == advantages.tolist()
    empty = np.array([[True, True], [False, False]])  # the wrong rollout has no token
    assert call("ktae", advantages, grouped(ids, [1, 0], response_mask=empty)).tolist() == advantages.tolist()
    apart = grouped(ids, [1, 0]) | {"group_ids": np.array([1, 2])}
    assert call("ktae", advantages, apart).tolist() == advantages.tolist()


def test_ktae_counts_a_reward_above_0_as_right():
    ids = [[7, 5], [7, 5], [8, 5], [8, 5]]
    graded, binary = (
        call("ktae", np.zeros((4, 2)), grouped(ids, rewards)) for rewards in ([0.2, 1, 0, -1], [1, 1, 0, 0])
    )
    assert (graded == binary).all()
    assert graded.any()


def test_ktae_leaves_unscorable_rollouts_out():
    scored = grouped([[7, 5], [8, 5], [8, 6]], [1, 0, 0])
    more = grouped([[7, 5], [8, 5], [8, 6], [7, 8]], [1, 0, 0, math.nan])
    expected = call("ktae", np.zeros((3, 2)), scored)
    got = call("ktae", np.zeros((4, 2)), more)
    assert (got[:3] == expected).all()
    assert (got[3] == 0).all()


@pytest.mark.parametrize(("n_right", "n_wrong"), [(1, 1), (2, 1), (4, 4), (3, 5), (1, 7), (12, 20)])
def test_the_tables_of_ktae_against_scipy(n_right, n_wrong):
    fisher, gain, shares = ktae.associations(n_right, n_wrong)
    for a in range(n_right + 1):
        for c in range(n_wrong + 1):
            p = fisher_exact([[a, c], [n_right - a, n_wrong - c]]).pvalue
            assert fisher[a, c] == pytest.approx(0 if p > 1 - 1e-9 else math.exp(-2 * p))
            # information gain is symmetric: entropy of having the token, less that given the outcome
            n = n_right + n_wrong
            having = coin((a + c) / n) - n_right / n * coin(a / n_right) - n_wrong / n * coin(c / n_wrong)
            assert gain[a, c] == pytest.approx(having, abs=1e-12)
            assert np.sign(shares[a, c]) == np.sign(a * n_wrong - c * n_right)


def coin(p):
    return -sum(q * math.log2(q) for q in (p, 1 - p) if q > 0)
