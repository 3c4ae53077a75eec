"""The placebo applies HICRA's amplification to a random mask that resembles the planning mask.

Deviations (the paper names a placebo on random n-grams and gives no procedure; this one is matched more tightly):
PLACEBO-1. Every row keeps its number of planning tokens exactly, and the lengths of its stretches of planning tokens.
PLACEBO-2. A stretch moves to a place that is drawn from a Gaussian kernel around its old place (standard deviation 15 % of the
    response). The batch's distribution of positions is kept up to that blur. No stretch touches another where there is room.
PLACEBO-3. A row's overlap with its planning tokens is at most what chance gives: (planning share of the row) x (tokens placed),
    rounded up. Where a row has too few other tokens left for that, the overlap is as small as it can be.
PLACEBO-4. The draw depends on the seed and the row's own tokens, never on the order of rows or on padding.
"""

from __future__ import annotations

import math

import numpy as np

from hicra.arrays import Array, Bools, Ints
from hicra.credit.entry import Alpha, Batch
from hicra.credit.method import Method
from hicra.credit.shapers.draw import Seed, row_generator
from hicra.credit.shapers.hicra import hicra

BLUR = 0.15


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
    planning, live = planning.astype(bool), live.astype(bool)
    out = np.zeros(live.shape, np.bool_)
    for row in np.flatnonzero((planning & live).any(axis=1)):
        where = np.flatnonzero(live[row])
        rng = row_generator(ids[row, where], seed)
        # a stretch never crosses tokens that are no policy tokens
        segment: Ints = np.cumsum(np.diff(where, prepend=where[0] - 1) > 1)
        out[row, where] = _place(planning[row, where], segment, rng)
    return out


def _place(planning: Bools, segment: Ints, rng: np.random.Generator) -> Bools:
    """Moves the stretches of planning tokens of one row; `planning` and `segment` are [n] over its policy tokens."""
    n = len(planning)
    edges = np.diff(planning.astype(np.int8), prepend=0, append=0)
    start, stop = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    budget = math.ceil(planning.mean() * planning.sum())
    crossed = np.concatenate([[0], np.cumsum(planning)])
    placed = np.zeros(n, np.bool_)
    overlap = 0
    for index in np.argsort(start - stop, kind="stable"):  # the longest first, while there is room for them
        length = int(stop[index] - start[index])
        candidates = np.arange(n - length + 1)
        taken = np.concatenate([[0], np.cumsum(placed)])
        free = (taken[candidates + length] == taken[candidates]) & (
            segment[candidates] == segment[candidates + length - 1]
        )
        if not free.any():  # no gap is long enough: take single free tokens, execution tokens where possible
            order = np.lexsort((rng.random(n), planning))
            loose = order[~placed[order]][:length]
            placed[loose] = True
            overlap += int(planning[loose].sum())
            continue
        cost = crossed[candidates + length] - crossed[candidates]
        allowed = free & (cost <= budget - overlap)
        if not allowed.any():
            allowed = free & (cost == cost[free].min())
        roomy = allowed & (taken[np.minimum(candidates + length + 1, n)] == taken[np.maximum(candidates - 1, 0)])
        allowed = roomy if roomy.any() else allowed
        weight = np.where(allowed, np.exp(-0.5 * ((candidates - start[index]) / (BLUR * n)) ** 2) + 1e-12, 0.0)
        chosen = int(rng.choice(len(candidates), p=weight / weight.sum()))
        placed[chosen : chosen + length] = True
        overlap += int(cost[chosen])
    return placed


METHOD = Method(
    "placebo", shape, "Wang et al. 2025, arXiv:2509.03646, camera-ready placebo, matched more tightly",
    needs=("response_mask", "planning_mask", "response_ids"), strength="alpha", keeps_sign=True,
)  # fmt: skip
