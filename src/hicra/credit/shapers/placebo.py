"""The placebo applies HICRA's amplification to a random mask that resembles the planning mask.

Deviations (the paper names a placebo on random n-grams and gives no procedure; this one is matched more tightly):
PLACEBO-1. Every row keeps its number of planning tokens exactly, and the lengths of its stretches of planning tokens.
PLACEBO-2. A stretch moves to a place that is drawn from a Gaussian kernel around its old place (standard deviation 15 % of the
    response). The batch's distribution of positions is kept up to that blur. No stretch touches another where there is room.
PLACEBO-3. A row's overlap with its planning tokens is at most what chance gives: (planning share of the row) x (tokens placed),
    rounded up. Where a row has too few other tokens left for that, the overlap is as small as it can be.
PLACEBO-4. The draw depends on the seed and the row's own tokens, never on the order of rows or on padding.

It places one stretch after the other, so its time grows with the number of stretches as well as with the number of tokens.
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
TRIES = 8  # places drawn for a stretch before all places are looked at


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
    crossed: Ints = np.concatenate([[0], np.cumsum(planning)])
    drawn = _drawn(start, stop - start, crossed, segment, rng)
    taken = bytearray(n + 2)  # 1 where a token is taken; token k is at k + 1, between two ends that stay 0
    placed = np.frombuffer(taken, np.bool_)[1:-1]
    overlap = 0
    for index in np.argsort(start - stop, kind="stable").tolist():  # the longest first, while there is room for them
        length = int(stop[index] - start[index])
        for place, cost in drawn[
            index
        ]:  # drawing again until it fits gives the same chances as _searched, in less time
            if cost <= budget - overlap and 1 not in taken[place : place + length + 2]:
                break
        else:
            place, cost = _searched(int(start[index]), length, placed, crossed, segment, budget - overlap, rng)
            if place < 0:  # no gap is long enough: take single free tokens, execution tokens where possible
                order = np.lexsort((rng.random(n), planning))
                loose = order[~placed[order]][:length]
                placed[loose] = True
                overlap += int(planning[loose].sum())
                continue
        placed[place : place + length] = True
        overlap += cost
    return placed.copy()


def _drawn(
    start: Ints, length: Ints, crossed: Ints, segment: Ints, rng: np.random.Generator
) -> list[list[tuple[int, int]]]:
    """Draws `TRIES` places for each stretch, and returns (place, its overlap with planning tokens) of those inside one segment.

    Args:
        start, length: of the stretches, in tokens.
        crossed: [n+1] the number of planning tokens before each token.
        segment: [n] which run of policy tokens a token is in.
        rng: draws them.
    """
    n = len(segment)
    place = np.rint(rng.normal(start, BLUR * n, (TRIES, len(start)))).astype(np.int64)
    inside = (place >= 0) & (place <= n - length)
    place = np.where(inside, place, 0)
    inside &= segment[place] == segment[place + length - 1]
    cost = crossed[place + length] - crossed[place]
    columns = zip(place.T.tolist(), cost.T.tolist(), inside.T.tolist(), strict=True)
    return [[(p, c) for p, c, fits in zip(*column, strict=True) if fits] for column in columns]


def _searched(
    start: int, length: int, placed: Bools, crossed: Ints, segment: Ints, budget: int, rng: np.random.Generator
) -> tuple[int, int]:
    """Looks at every place for one stretch and draws one; returns (place, overlap), or (-1, 0) where no gap is long enough.

    Args:
        start, length: of the stretch, in tokens.
        placed: [n] the tokens that are taken.
        crossed: [n+1] the number of planning tokens before each token.
        segment: [n] which run of policy tokens a token is in.
        budget: how many planning tokens it may cross; where no place crosses so few, the fewest is taken.
        rng: draws the place.
    """
    n = len(placed)
    candidates = np.arange(n - length + 1)
    taken = np.concatenate([[0], np.cumsum(placed)])
    free = (taken[candidates + length] == taken[candidates]) & (segment[candidates] == segment[candidates + length - 1])
    if not free.any():
        return -1, 0
    cost = crossed[candidates + length] - crossed[candidates]
    allowed = free & (cost <= budget)
    if not allowed.any():
        allowed = free & (cost == cost[free].min())
    roomy = allowed & (taken[np.minimum(candidates + length + 1, n)] == taken[np.maximum(candidates - 1, 0)])
    allowed = roomy if roomy.any() else allowed
    weight = np.where(allowed, np.exp(-0.5 * ((candidates - start) / (BLUR * n)) ** 2) + 1e-12, 0.0)
    chosen = int(rng.choice(len(candidates), p=weight / weight.sum()))
    return chosen, int(cost[chosen])


METHOD = Method(
    "placebo", shape, "Wang et al. 2025, arXiv:2509.03646, camera-ready placebo, matched more tightly",
    needs=("response_mask", "planning_mask", "response_ids"), strength="alpha", keeps_sign=True,
)  # fmt: skip
