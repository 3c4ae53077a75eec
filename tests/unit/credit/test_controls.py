"""Random tokens, masks of other rollouts, and whitening: numbers worked out by hand, and what their draws keep."""

import numpy as np
import pytest

from hicra import credit
from hicra.credit.shapers.random_tokens import random_mask
from hicra.credit.shapers.shuffled_rows import shuffled_mask
from hicra.errors import ConfigError


def case(rows, width, seed=0):
    """(A [B,T], batch): rows of different lengths and tokens, a fifth of which is planning."""
    rng = np.random.default_rng(seed)
    live = np.arange(width) < rng.integers(width // 2, width + 1, rows)[:, None]
    batch = {
        "response_mask": live, "response_ids": rng.integers(0, 999, live.shape),
        "planning_mask": (rng.random(live.shape) < 0.2) & live,
    }  # fmt: skip
    return np.repeat(rng.choice([-0.25, 0.75], rows)[:, None], width, axis=1), batch


# ---- random_tokens
def test_random_tokens_by_hand():
    """Which tokens are drawn is random; how many, and what becomes of them, is not."""
    advantages = np.array([[0.5] * 10, [-0.5] * 10])
    batch = {"response_mask": np.ones((2, 10)), "response_ids": np.arange(20).reshape(2, 10)}
    amplified = credit.METHODS["random_tokens"](advantages, batch, alpha=0.2, rho=0.3)
    assert np.sort(amplified[0]).tolist() == [0.5] * 7 + [0.6] * 3  # 0.3 * 10 = 3 tokens, 0.5 * 1.2 = 0.6
    assert np.sort(amplified[1]).tolist() == [-0.5] * 7 + [-0.4] * 3
    kept = credit.METHODS["random_tokens"](advantages, batch, rho=0.3, mode="keep")
    assert ((kept != 0) == (amplified != advantages)).all()  # one draw, whatever is done with it
    assert np.sort(kept[0]).tolist() == [0] * 7 + [0.5] * 3


def test_the_share_is_rho_on_average_also_in_rows_that_are_too_short_for_it():
    # 0.2 * 3 = 0.6 tokens a row: 60 % of the rows have one token and 40 % none; standard error sqrt(.6 * .4 / 4000) = .008
    ids = np.random.default_rng(0).integers(0, 10**6, (4000, 3))
    mask = random_mask(np.ones(ids.shape, bool), ids, 0.2, seed=0)
    assert set(mask.sum(axis=1)) == {0, 1}
    assert mask.any(axis=1).mean() == pytest.approx(0.6, abs=0.03)
    assert mask.mean(axis=0) == pytest.approx([0.2] * 3, abs=0.03)  # no place is preferred
    assert random_mask(np.ones(ids.shape, bool), ids, 1.0, seed=0).all()


def test_the_seed_and_the_rows_own_tokens_decide_the_draw():
    advantages, batch = case(20, 40)
    draw = credit.METHODS["random_tokens"]
    one, again, other = (draw(advantages, batch, seed=seed) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()
    row = draw(advantages[3:4], {field: value[3:4] for field, value in batch.items()}, seed=1)
    assert (row == one[3:4]).all()


@pytest.mark.parametrize(
    "wrong",
    [{"rho": 0.0}, {"rho": 1.5}, {"mode": "kept"}, {"seed": 2**63}, {"alpha": 1.0}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        credit.METHODS["random_tokens"].checked(wrong)


# ---- shuffled_rows
def test_two_rollouts_swap_their_masks_by_hand():
    # The first has 4 policy tokens, the second 2. Token k of 4 gets the mark of token floor((k + 1/2) 2 / 4) of 2: 0, 0, 1, 1.
    # Token k of 2 gets that of floor((k + 1/2) 4 / 2) of 4: 1 and 3. The third has no planning token and stays as it is.
    batch = {
        "response_mask": np.array([[1, 1, 0, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 1]]),  # a tool spoke in the first
        "planning_mask": np.array([[0, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]]),
        "response_ids": np.array([[5, 6, 0, 7, 8], [1, 2, 0, 0, 0], [4, 4, 4, 4, 4]]),
    }
    got = credit.METHODS["shuffled_rows"](np.full((3, 5), 0.5), batch)
    assert got.tolist() == [[0.5, 0.5, 0.5, 0.6, 0.6], [0.6, 0.5, 0.5, 0.5, 0.5], [0.5] * 5]


def test_in_rows_of_one_length_every_mask_is_used_once_and_none_by_its_own_row():
    rng = np.random.default_rng(0)
    planning = np.zeros((30, 31), bool)
    planning[np.arange(30), np.arange(30)] = True  # each row is told by its only planning token
    planning[7] = False
    live, ids = np.ones_like(planning), rng.integers(0, 99, planning.shape)
    found = []
    for seed in range(20):
        mask = shuffled_mask(planning, live, ids, seed)
        assert not mask[7].any()
        assert not (mask & planning).any()
        assert (mask.sum(axis=0) == planning.sum(axis=0)).all()
        found.append(int(np.flatnonzero(mask[0])[0]))
    assert len(set(found)) > 5  # the seed decides whose mask it is


def test_the_only_row_with_a_mask_keeps_it_and_equal_rows_count_as_one():
    planning = np.array([[1, 0, 0], [0, 0, 0]], bool)
    live, ids = np.ones_like(planning), np.array([[1, 2, 3], [4, 5, 6]])
    assert (shuffled_mask(planning, live, ids, 0) == planning).all()
    # three equal rows and another one: the equal ones get the mask of the other, and it gets theirs
    planning = np.array([[1, 0, 0]] * 3 + [[0, 0, 1]], bool)
    ids = np.array([[1, 2, 3]] * 3 + [[4, 5, 6]])
    assert shuffled_mask(planning, np.ones_like(planning), ids, 0).tolist() == planning[[3, 3, 3, 0]].tolist()


def test_a_mask_keeps_its_share_in_a_row_of_another_length():
    planning, live = np.zeros((2, 300), bool), np.ones((2, 300), bool)
    live[1, 100:] = False
    planning[0, 60:120], planning[1, 50:70] = True, True  # a fifth of each
    mask = shuffled_mask(planning, live, np.arange(600).reshape(2, 300), 0)
    assert np.flatnonzero(mask[0]).tolist() == list(range(150, 210))  # from 50 % to 70 % of the way
    assert np.flatnonzero(mask[1]).tolist() == list(range(20, 40))  # from 20 % to 40 %


# ---- whiten
def test_whiten_by_hand():
    # Policy tokens have 0.5, 0.5, 0.5 and -0.5: mean 1/4, squares 3 * 1/16 + 9/16 = 3/4, unbiased variance 1/4, deviation 1/2.
    # So 0.5 becomes 0.25 / 0.5 = 0.5 and -0.5 becomes -0.75 / 0.5 = -1.5. The last row has no reward and does not count.
    advantages = np.array([[0.5] * 3, [-0.5] * 3, [9.0] * 3])
    batch = {"response_mask": np.array([[1, 1, 1], [1, 0, 0], [1, 1, 1]]), "rewards": [1, 0, None]}
    got = credit.METHODS["whiten"](advantages, batch)
    assert got == pytest.approx(np.array([[0.5] * 3, [-1.5, -0.5, -0.5], [9.0] * 3]), abs=1e-6)


@pytest.mark.parametrize("value", [0.1, 0.0, -0.3])
def test_whiten_makes_equal_advantages_exactly_zero(value):
    batch = {"response_mask": np.ones((3, 7)), "rewards": np.array([1.0, 1.0, 1.0])}
    assert (credit.METHODS["whiten"](np.full((3, 7), value), batch) == 0).all()
    one = {"response_mask": np.array([[0, 1]]), "rewards": np.array([1.0])}
    assert credit.METHODS["whiten"](np.array([[0.4, 0.4]]), one).tolist() == [
        [0.4, 0]
    ]  # a single token, beside padding
    none = {"response_mask": np.zeros((1, 2)), "rewards": np.array([1.0])}
    assert credit.METHODS["whiten"](np.array([[0.4, 0.4]]), none).tolist() == [[0.4, 0.4]]


def test_whiten_does_not_commute_with_hicra():
    """Why its place in a run has to be named: shaping first, whitening takes back what HICRA adds on average."""
    advantages, batch = case(8, 30)
    batch["rewards"] = (advantages[:, 0] > 0).astype(float)
    live, hicra, whiten = batch["response_mask"], credit.METHODS["hicra"], credit.METHODS["whiten"]
    first = hicra(whiten(advantages, batch), batch)
    last = whiten(hicra(advantages, batch), batch)
    assert first[live].mean() > 0.01
    assert last[live].mean() == pytest.approx(0, abs=1e-12)
