"""The placebo applies HICRA's amplification to a random mask that resembles the planning mask.

Deviations (the paper names a placebo on random n-grams and gives no procedure; this one is matched more tightly):
PLACEBO-1. Every row keeps its number of planning tokens exactly, and the lengths of its stretches of planning tokens while there
    is room. A token that is no policy token ends a stretch.
PLACEBO-2. A stretch moves to a place that is drawn from a Gaussian kernel around its old place (standard deviation 15 % of the
    response). The batch's distribution of positions is kept up to that blur. No stretch touches another where there is room. Of
    two that want the same place the longer one gets it (`hicra.credit.placing`).
PLACEBO-3. A row's overlap with its planning tokens is at most what chance gives: (planning share of the row) x (tokens placed),
    rounded up. Where a row has too few other tokens left for that, the overlap is as small as it can be.
PLACEBO-4. The draw depends on the seed and the row's own tokens, never on the order of rows or on padding.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array, Bools, Hashes, Ints
from hicra.credit.draws import Seed, row_keys
from hicra.credit.entry import Alpha, Batch
from hicra.credit.method import Method
from hicra.credit.placing import Stretches, in_rounds, one_by_one
from hicra.credit.shapers.hicra import hicra


def shape(advantages: Array, batch: Batch, *, alpha: Alpha = 0.2, seed: Seed = 0) -> Array:
    """Returns A + alpha |A| on the placebo mask and A elsewhere.

    Args:
        advantages: [B,T].
        batch: holds planning_mask, response_mask and response_ids, all [B,T].
        alpha: in [0, 1).
        seed: decides the draw.
    """
    mask = placebo_mask(batch["planning_mask"], batch["response_mask"], batch["response_ids"], seed)
    return np.asarray(hicra(advantages, mask, alpha))


def placebo_mask(planning: Array, live: Array, ids: Array, seed: int) -> Bools:
    """Draws a random mask [B,T] matched to `planning` [B,T] row by row, as the deviations above say.

    Args:
        planning: [B,T] bool, the planning mask.
        live: [B,T] bool, the policy tokens.
        ids: [B,T] token ids.
        seed: decides the draw.
    """
    live = live.astype(bool)
    planning = planning.astype(bool) & live
    out = np.zeros(live.shape, np.bool_)
    rows = np.asarray(planning.any(axis=1))
    if not rows.any():
        return out
    used = live & rows[:, None]
    stretches = _stretches(planning[used], np.flatnonzero(used), np.count_nonzero(live[rows], axis=1))
    keys = row_keys(ids, live, seed)[rows]
    at = in_rounds(stretches, keys)
    moved = np.zeros(len(stretches.avoided), np.bool_)
    moved[_tokens(at[at >= 0], stretches.length[at >= 0])] = True
    for row in np.unique(stretches.row[at < 0]).tolist():
        _finish(stretches, row, at, moved, keys)
    out[used] = moved
    return out


def _stretches(planning: Bools, token: Ints, size: Ints) -> Stretches:
    """Finds the stretches of planning tokens; `planning` and `token` are [P], the policy tokens and where they stand in [B,T]."""
    first = np.cumsum(size) - size
    opens = np.diff(token, prepend=-2) != 1  # the first token of a segment
    opens[first] = True
    closes = np.append(opens[1:], True)
    start = np.flatnonzero(planning & (opens | ~np.append(False, planning[:-1])))
    stop = np.flatnonzero(planning & (closes | ~np.append(planning[1:], False))) + 1
    row = np.searchsorted(first, start, side="right") - 1
    order = np.lexsort((start - stop, row))
    total = np.add.reduceat(planning, first, dtype=np.int64)
    return Stretches(
        avoided=planning, segment_stop=np.flatnonzero(closes) + 1, first=first, size=size, budget=-(-(total**2) // size),
        row=row[order], start=start[order], length=(stop - start)[order],
    )  # fmt: skip


def _finish(of: Stretches, row: int, at: Ints, moved: Bools, keys: Hashes) -> None:
    """Places, in `moved`, the stretches of a row that the rounds have left; all of them anew if one would suffer otherwise."""
    mine = slice(*np.searchsorted(of.row, [row, row + 1]))
    tokens = slice(of.first[row], of.first[row] + of.size[row])
    planning, placed, budget = of.avoided[tokens], moved[tokens], int(of.budget[row])
    segment = np.searchsorted(of.segment_stop, np.arange(tokens.start, tokens.stop), side="right")
    start, length, open_ = of.start[mine] - tokens.start, of.length[mine], at[mine] < 0
    rng = np.random.default_rng(int(keys[row]))
    if not one_by_one(planning, segment, start[open_], length[open_], placed, budget, rng):
        placed[:] = False
        one_by_one(planning, segment, start, length, placed, budget, rng)


def _tokens(start: Ints, length: Ints) -> Ints:
    """Lists the tokens of stretches."""
    return np.repeat(start - np.cumsum(length) + length, length) + np.arange(length.sum())


METHOD = Method(
    "placebo", shape, "Wang et al. 2025, arXiv:2509.03646, camera-ready placebo, matched more tightly",
    needs=("response_mask", "planning_mask", "response_ids"), strength="alpha",
)  # fmt: skip
