"""Laws of the placebo's mask, in any row and in rows that have room."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra.credit.shapers.placebo import placebo_mask


def case(seed, rows, width, share, gaps):
    rng = np.random.default_rng(seed)
    live = np.arange(width) < rng.integers(0, width + 1, rows)[:, None]
    live &= rng.random(live.shape) >= gaps
    return rng.random(live.shape) < share, live, rng.integers(0, 99, live.shape)


def stretches(mask):
    """Lengths of the stretches of one row."""
    edges = np.flatnonzero(np.diff(np.pad(mask, 1).astype(int)))
    return sorted((edges[1::2] - edges[::2]).tolist())


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 40), st.floats(0, 1), st.sampled_from([0, 0.1, 0.5]))
@settings(max_examples=200, deadline=None)
def test_any_row_keeps_its_count_and_its_policy_tokens(seed, rows, width, share, gaps):
    planning, live, ids = case(seed, rows, width, share, gaps)
    mask = placebo_mask(planning, live, ids, seed)
    assert not mask[~live].any()
    assert (mask.sum(axis=1) == (planning & live).sum(axis=1)).all()
    alone = [placebo_mask(planning[i : i + 1], live[i : i + 1], ids[i : i + 1], seed)[0] for i in range(rows)]
    assert (mask == alone).all()


@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_row_with_room_keeps_every_promise(seed, given_stretches):
    # Four stretches of up to 3 in 80 tokens: of the 78 places each other stretch takes at most 3 + 3 + 1, the planning tokens at
    # most 4 * 5, and the tool's output 2, so 35 places are always left.
    live = np.ones((1, 81), bool)
    live[0, 40] = False
    planning = np.zeros_like(live)
    for i, (gap, length) in enumerate(given_stretches):
        planning[0, 20 * i + gap : 20 * i + gap + length] = True
    planning &= live
    mask = placebo_mask(planning, live, np.random.default_rng(seed).integers(0, 99, live.shape), seed)
    assert stretches(mask[0]) == stretches(planning[0])
    assert stretches(mask[live]) == stretches(planning[0])  # none touches another across the tool's output, either
    count = int(planning.sum())
    assert (mask & planning).sum() <= -(-(count**2) // 80)
