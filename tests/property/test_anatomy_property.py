"""HICRA taken apart, for any groups of rewards 0 and 1, any alpha and any type of numbers: the parts add up to it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hicra import credit

ROUNDING = {np.float16: 4e-3, np.float32: 1e-6, np.float64: 1e-14}


@st.composite
def cases(draw):
    """(A [B,T] mean-centred, batch, alpha): groups of 1 to 9 rollouts in any order, some of them without a reward."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    ids = rng.permutation(np.repeat(np.arange(draw(st.integers(1, 4))), rng.integers(1, 10)))
    width = draw(st.integers(1, 6))
    rewards = (rng.random(len(ids)) < draw(st.sampled_from([0.1, 0.5, 0.9]))).astype(float)
    rewards[rng.random(len(ids)) < 0.1] = np.nan
    live = rng.random((len(ids), width)) < 0.9
    batch = {
        "response_mask": live, "planning_mask": (rng.random(live.shape) < 0.4) & live, "rewards": rewards, "group_ids": ids,
    }  # fmt: skip
    alpha = draw(st.floats(0, 1, exclude_max=True))
    dtype = draw(st.sampled_from(list(ROUNDING)))
    return np.repeat(credit.group_advantages(rewards, ids)[:, None], width, axis=1).astype(dtype), batch, alpha


def call(name, advantages, batch, **settings):
    got = credit.METHODS[name](advantages, batch, **settings)
    assert got.dtype == advantages.dtype
    return got.astype(np.float64)


@given(cases())
def test_difficulty_and_bonus_add_up_to_hicra(case):
    advantages, batch, alpha = case
    parts = call("hicra_difficulty", advantages, batch, alpha=alpha) + call(
        "hicra_bonus", advantages, batch, alpha=alpha
    )
    whole = call("hicra", advantages, batch, alpha=alpha)
    assert np.allclose(parts - advantages, whole, rtol=0, atol=ROUNDING[advantages.dtype.type])


@given(cases())
def test_the_two_signs_add_up_to_hicra_and_the_two_kinds_to_the_input(case):
    advantages, batch, alpha = case
    live, whole = batch["response_mask"], call("hicra", advantages, batch, alpha=alpha)
    signs = [call(name, advantages, batch, alpha=alpha) for name in ("hicra_positive", "hicra_negative")]
    assert np.array_equal(np.where(advantages > 0, *signs), whole)
    assert np.array_equal(np.where(advantages > 0, *signs[::-1]), advantages)
    kinds = [call(name, advantages, batch) for name in ("planning_only", "execution_only")]
    assert np.array_equal((kinds[0] + kinds[1])[live], advantages[live])
    assert (kinds[0] * kinds[1] == 0)[live].all()


@given(cases(), st.floats(0.01, 100))
def test_the_factor_is_the_same_on_any_scale_and_everywhere(case, scale):
    """Whatever the baseline makes of the rewards, per group or per token, the ratio of A' to A is 1 + alpha (1 - 2p)."""
    advantages, batch, alpha = case
    advantages = advantages.astype(np.float64)
    planning = batch["planning_mask"]
    factor = call("difficulty_all", np.ones_like(advantages), batch, alpha=alpha)
    assert np.allclose(call("difficulty_all", scale * advantages, batch, alpha=alpha), scale * advantages * factor)
    on_planning = call("hicra_difficulty", scale * advantages, batch, alpha=alpha)
    assert np.allclose(on_planning, scale * advantages * np.where(planning, factor, 1))
    assert (factor > 0).all()
