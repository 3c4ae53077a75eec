"""Laws of every baseline: order of rows, padding and what stands under it never matter, and unscorable rollouts are left out."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import credit

EXACT = {"rtol": 1e-6, "atol": 1e-9}


@st.composite
def batches(draw):
    """(rewards [B], group ids [B], batch): verdicts of which some are missing, ragged rows with tool output."""
    groups, size, width = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = groups * size
    live = np.arange(width) < rng.integers(0, width + 1, rows)[:, None]
    live &= rng.random(live.shape) < 0.9
    rewards = np.where(rng.random(rows) < 0.2, np.nan, rng.integers(0, 2, rows))
    ids = rng.permutation(np.repeat(rng.integers(0, 10**9, groups), size))
    actions = np.cumsum(rng.random(live.shape) < 0.4, axis=1)
    return rewards, ids, trees(rng, rewards, ids, actions) | {
        "action_ids": actions - (actions == 0), "values": rng.random((rows, width + 1))[np.arange(rows)[:, None], actions],
        "old_logprobs": -rng.exponential(0.5, live.shape), "turn_ids": actions // 2 - 1, "level_ids": actions % 4 - 1,
        "episode_ids": np.broadcast_to(rng.permutation(rows)[:, None], live.shape).copy(),
        "subgoal_mask": actions % 3 == 0, "switch_mask": actions % 5 == 0,
        "response_ids": rng.integers(0, 3, live.shape), "response_mask": live, "entropies": rng.exponential(0.5, live.shape),
        "state_ids": rng.integers(-1, 3, live.shape),
    }  # fmt: skip


def trees(rng, rewards, ids, actions):
    """Node fields [B,T]: each row goes on from the root of its group or from a state of an earlier row, to an end of its own."""
    node, parent, leaf = np.full(actions.shape, -1), np.full(actions.shape, -1), np.full(actions.shape, np.nan)
    states = {}
    for row, numbers in enumerate(actions):
        known = states.setdefault(ids[row], [0])
        here = known[rng.integers(len(known))]
        for number in range(1, numbers[-1] + 1):
            on, led = numbers == number, 100 * row + number
            node[row, on], parent[row, on] = led, here
            leaf[row, on] = rewards[row] if number == numbers[-1] else np.nan
            if number < numbers[-1]:
                known.append(led)
            here = led
    return {"node_id": node, "parent_id": parent, "leaf_reward": leaf}


def taken(batch, rows):
    return {key: value[rows] for key, value in batch.items()}


@pytest.mark.parametrize("name", credit.BASELINES)
@given(case=batches())
@settings(max_examples=60, deadline=None)
def test_laws(name, case):
    rewards, ids, batch = case
    baseline, live = credit.BASELINES[name], batch["response_mask"]
    before = copy.deepcopy(case)
    out = baseline(rewards, ids, batch)
    assert np.array_equal(rewards, before[0], equal_nan=True)
    assert all(np.array_equal(batch[key], before[2][key], equal_nan=batch[key].dtype.kind == "f") for key in batch)
    assert out.shape in (rewards.shape, live.shape)
    assert np.isfinite(out).all()
    if out.ndim == 2:
        assert (out[~live] == 0).all()

    scored = ~np.isnan(rewards)
    assert (out[~scored] == 0).all()
    alone = baseline(rewards[scored], ids[scored], taken(batch, scored))
    assert np.allclose(out[scored], alone, **EXACT)

    dirty = {key: np.where(live, value, 7).astype(value.dtype) for key, value in batch.items()} | {
        "response_mask": live
    }
    assert np.allclose(baseline(rewards, ids, dirty), out, **EXACT)
    wide = {key: np.pad(value, ((0, 0), (0, 5))) for key, value in batch.items()}
    padded = baseline(rewards, ids, wide)
    assert np.allclose(padded[:, : live.shape[1]] if out.ndim == 2 else padded, out, **EXACT)

    order = np.random.default_rng(1).permutation(len(live))
    assert np.allclose(baseline(rewards[order], ids[order], taken(batch, order)), out[order], **EXACT)


@given(case=batches())
@settings(max_examples=60, deadline=None)
def test_lambda_grpo_adds_a_process_set_up_to_its_mean(case):
    # what the rollouts that share a first token get there sums to the mean of their advantages
    rewards, ids, batch = case
    made = credit.BASELINES["lambda_grpo"](rewards, ids, batch)
    plain = credit.BASELINES["dr_grpo"](rewards, ids)
    begin = batch["response_mask"][:, 0] & ~np.isnan(rewards)
    for group in set(ids):
        for token in range(3):
            rows = begin & (ids == group) & (batch["response_ids"][:, 0] == token)
            if rows.any():
                assert np.isclose(made[rows, 0].sum(), plain[rows].mean())


@given(case=batches())
@settings(max_examples=60, deadline=None)
def test_siblings_of_a_tree_sum_to_zero(case):
    # over the actions from one state, A sums to 0: the value of the state is the mean of theirs
    rewards, ids, batch = case
    made = credit.BASELINES["carl"](rewards, ids, batch)
    live = batch["response_mask"] & (batch["node_id"] >= 0)
    for group in set(ids):
        rows = (ids == group)[:, None] & live
        for state in set(batch["parent_id"][rows]):
            here = rows & (batch["parent_id"] == state)
            runs = np.argwhere(here)[:, 0] * 1000 + batch["node_id"][here]  # each run is one sample of its action
            led, first = np.unique(runs, return_index=True)
            assert np.isclose(made[here][first].sum(), 0, atol=1e-12)
            if len(led) == 1:
                assert (made[here] == 0).all()
