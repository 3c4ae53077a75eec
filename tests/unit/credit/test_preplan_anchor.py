"""Preplan-and-anchor credit: its choice worked out by hand, and what is always true."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import credit
from hicra.credit.shapers.preplan_anchor import falls, top
from hicra.errors import ConfigError, DataError, MissingField

METHOD = credit.METHODS["preplan_anchor"]
LIVE = np.array([[True, True, False, True, True, True], [True, True, True, True, True, False]])
WAAD = np.array([[1.0, 4.0, 99.0, 2.0, 6.0, 1.0], [5.0, 1.0, 5.0, 1.0, 0.5, 99.0]])
FAI = np.array([[0.1, 0.4, 9.0, 0.3, 0.2, 0.0], [0.2, 0.3, 0.3, 0.3, 0.1, 9.0]])
BATCH = {"response_mask": LIVE, "waad": WAAD, "fai": FAI}


def test_falls_are_from_a_policy_token_to_the_next():
    low = -np.inf
    assert falls(WAAD, LIVE).tolist() == [[-3, 2, low, -4, 5, low], [4, -4, 4, 0.5, low, low]]


def test_two_of_five_tokens_are_chosen_and_the_earlier_of_equals():
    # 40 % of 5 policy tokens are 2
    preplan, anchor = top(falls(WAAD, LIVE), LIVE, 0.4), top(FAI, LIVE, 0.4)
    assert preplan.astype(int).tolist() == [[0, 1, 0, 0, 1, 0], [1, 0, 1, 0, 0, 0]]
    assert anchor.astype(int).tolist() == [[0, 1, 0, 1, 0, 0], [0, 1, 1, 0, 0, 0]]


def test_right_rollouts_gain_on_the_chosen_tokens_and_wrong_ones_stay():
    a = np.array([0.5, -0.5])
    assert METHOD(a, BATCH).tolist() == [[0.5, 0.75, 0.5, 0.75, 0.5, 0.5], [-0.5] * 6]
    assert METHOD(a, BATCH, tokens="preplan", gain=3.0)[0].tolist() == [0.5, 1.5, 0.5, 0.5, 1.5, 0.5]
    assert METHOD(-a, BATCH, rho=0.2)[1].tolist() == [0.5, 0.75, 0.5, 0.5, 0.5, 0.5]


@st.composite
def cases(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows, width = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    live = (np.arange(width) < rng.integers(0, width + 1, rows)[:, None]) & (rng.random((rows, width)) < 0.9)
    batch = {
        "response_mask": live,
        "waad": rng.integers(0, 5, live.shape) / 2,
        "fai": rng.integers(0, 5, live.shape) / 9,
    }
    return rng.choice([-0.75, 0.0, -0.0, 0.25], live.shape), batch


@pytest.mark.parametrize("tokens", ["preplan", "anchor"])
@given(case=cases(), rho=st.sampled_from([0.0, 0.1, 0.4, 1.0]))
@settings(max_examples=60, deadline=None)
def test_gain_one_is_the_input_bit_for_bit_and_else_a_share_of_each_row_is_chosen(tokens, case, rho):
    advantages, batch = case
    live = batch["response_mask"]
    for dtype in (np.float64, np.float32):
        typed = advantages.astype(dtype)
        assert METHOD(typed, batch, gain=1.0, rho=rho, tokens=tokens).tobytes() == typed.tobytes()
    ones = METHOD(np.ones(live.shape), batch, rho=rho, tokens=tokens)
    assert ((ones != 1) <= live).all()
    counts = live.sum(axis=1)
    assert (ones == 1.5).sum(axis=1).tolist() == [int(count * round(rho * 10)) // 10 for count in counts.tolist()]
    out = METHOD(advantages, batch, rho=rho, tokens=tokens)
    assert (out == np.where((ones != 1) & (advantages >= 0), 1.5 * advantages, advantages)).all()


def test_what_is_refused():
    for gain in (0.9, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="gain is"):
            METHOD(np.ones(2), BATCH, gain=gain)
    with pytest.raises(MissingField, match="'fai'"):
        METHOD(np.ones(2), {"response_mask": LIVE, "waad": WAAD})
    with pytest.raises(DataError, match="the attention influence of row 0, token 1 is nan"):
        METHOD(np.ones(2), BATCH | {"fai": np.where(np.arange(6) == 1, np.nan, FAI)})
    with pytest.raises(DataError, match="waad"):
        METHOD(np.ones(2), BATCH | {"waad": WAAD[:, :4]})
