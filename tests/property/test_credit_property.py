"""Laws of every method: alpha=0 is the input, padding and row order never matter, nothing is changed in place.

A method that says so shapes a row by that row alone, and changes no sign.
"""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import credit


@st.composite
def batches(draw):
    groups, size, width = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = groups * size
    live = np.arange(width) < rng.integers(0, width + 1, rows)[:, None]
    live &= rng.random(live.shape) < 0.9
    ids = rng.permutation(np.repeat(rng.integers(0, 10**9, groups), size))
    rewards = rng.integers(0, 2, rows).astype(float)
    rewards[rng.random(rows) < 0.1] = np.nan
    turns = np.cumsum(rng.random(live.shape) < 0.3, axis=1)
    batch = {
        "response_ids": rng.integers(0, 9, live.shape), "response_mask": live, "group_ids": ids, "rewards": rewards,
        "planning_mask": (rng.random(live.shape) < 0.4) & live, "entropies": rng.exponential(0.5, live.shape),
        "old_logprobs": -rng.exponential(0.5, live.shape), "truncated": rng.random(rows) < 0.2,
        "n_tool_calls": rng.integers(0, 3, rows), "turn_ids": turns, "action_ids": turns, "level_ids": turns % 2,
        "state_ids": rng.integers(0, 4, live.shape), "kind_weights": rng.random(2) * (rng.random(2) < 0.8),
        "waad": rng.exponential(3.0, live.shape), "fai": rng.exponential(0.02, live.shape),
    }  # fmt: skip
    advantages = credit.group_advantages(rewards, ids)
    return np.repeat(advantages[:, None], width, axis=1), batch


def rows_of(batch, rows):
    """The batch of some rows; what is no field of rollouts stays as it is."""
    return {key: value if key == "kind_weights" else value[rows] for key, value in batch.items()}


@pytest.mark.parametrize("name", credit.METHODS)
@given(case=batches())
@settings(max_examples=40, deadline=None)
def test_laws(name, case):
    advantages, batch = case
    method, live = credit.METHODS[name], batch["response_mask"]
    given_a, given_b = advantages.copy(), copy.deepcopy(batch)
    out = method(advantages, batch)
    assert (advantages == given_a).all()
    assert all(np.array_equal(batch[key], given_b[key], equal_nan=True) for key in batch)
    assert out.shape == advantages.shape
    assert np.isfinite(out).all()
    assert (out == advantages)[~live].all()
    dirty = {
        key: np.where(live, value, 7).astype(value.dtype) if value.ndim == 2 else value for key, value in batch.items()
    }
    dirty["response_mask"] = live
    assert np.allclose(method(np.where(live, advantages, 9.0), dirty)[live], out[live])
    wide = {key: np.pad(value, ((0, 0), (0, 5))) if value.ndim == 2 else value for key, value in batch.items()}
    assert np.allclose(method(np.pad(advantages, ((0, 0), (0, 5))), wide)[:, : live.shape[1]][live], out[live])
    order = np.random.default_rng(1).permutation(len(live))
    turned = method(advantages[order], rows_of(batch, order))
    assert np.allclose(turned, out[order])
    if method.scope == "row":
        for row in order[:2]:
            alone = rows_of(batch, slice(row, row + 1))
            assert np.allclose(method(advantages[row : row + 1], alone), out[row])
    if method.keeps_sign:
        strong = method(advantages, batch, **({method.strength: 0.99} if method.strength else {}))
        assert (strong * advantages >= 0).all()
    if "alpha" in method.settings:
        assert method(advantages, batch, alpha=0.0).tobytes() == advantages.tobytes() or name == "hicra_released"
        assert (method(advantages, batch, alpha=0.0) == advantages).all()
