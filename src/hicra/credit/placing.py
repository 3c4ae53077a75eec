"""Moves stretches of tokens to random places near their old ones, so that no two touch and few land on what they avoid.

Nearly all stretches of a batch find a place in a few rounds that handle every stretch of every row at once (`in_rounds`). What is
left, where a row is full or short, goes one stretch after another and looks at every place that is free (`one_by_one`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hicra.arrays import Bools, Hashes, Ints
from hicra.credit.draws import normals

BLUR = 0.15  # standard deviation of a move, as a share of the row's policy tokens
ROUNDS = 12  # with two of three places free, one stretch in 500,000 is left


@dataclass(frozen=True)
class Stretches:
    """The policy tokens of R rows, one row after another, and S stretches among them. A place is an index into the P tokens.

    Attributes:
        avoided: [P] bool, the tokens that stretches overlap at most by chance.
        segment_stop: the place after each segment, ascending; a segment is a run of policy tokens.
            No stretch crosses its end.
        first: [R] the first place of each row, ascending.
        size: [R] how many tokens the row has.
        budget: [R] how many avoided tokens the row's stretches may cover together.
        row: [S] ascending; within a row the longest stretch comes first.
        start: [S] the old place of each stretch's first token.
        length: [S] tokens.
    """

    avoided: Bools
    segment_stop: Ints
    first: Ints
    size: Ints
    budget: Ints
    row: Ints
    start: Ints
    length: Ints


def in_rounds(of: Stretches, keys: Hashes) -> Ints:
    """Draws a new place for every stretch and returns it, [S], or -1 where a stretch found none.

    In each round all stretches without a place draw one: normal around the old place, rounded to a token. A place counts if it is
    whole inside one segment of its row, touches no other stretch, and keeps the row within its budget. Of two that touch, the one
    that has its place from an earlier round keeps it, else the longer one. Drawing again until a place counts is a draw from the
    normal kernel restricted to the places that count.

    Args:
        of: the stretches.
        keys: [R] decides what a row draws; rows never look at each other.
    """
    crossed: Ints = np.concatenate([[0], np.cumsum(of.avoided)])
    at: Ints = np.full(len(of.row), -1)
    left = of.budget.copy()
    todo: Ints = np.arange(len(of.row))
    for attempt in range(ROUNDS):
        if not todo.size:
            break
        row = of.row[todo]
        moved = normals(keys[row], of.start[todo] - of.first[row], attempt) * (BLUR * of.size[row])
        place = of.start[todo] + np.rint(moved).astype(np.int64)
        inside = (place >= of.first[row]) & (place + of.length[todo] <= of.first[row] + of.size[row])
        tried, place, row = todo[inside], place[inside], row[inside]
        stop = place + of.length[tried]
        cost = crossed[stop] - crossed[place]
        good = stop <= of.segment_stop[np.searchsorted(of.segment_stop, place, side="right")]
        good &= cost <= left[row]  # asked before `_part`, so that a place that cannot count takes nobody else's
        placed_before = at >= 0
        at[tried[good]] = place[good]
        _part(of, at, placed_before)
        good &= at[tried] >= 0
        tried, row, cost = tried[good], row[good], cost[good]
        spent = np.cumsum(cost)
        spent -= (spent - cost)[np.searchsorted(row, row)]  # of the row alone, the longest stretch first
        over = (cost > 0) & (spent > left[row])
        at[tried[over]] = -1
        np.subtract.at(left, row[~over], cost[~over])
        todo = np.flatnonzero(at < 0)
    return at


def _part(of: Stretches, at: Ints, placed_before: Bools) -> None:
    """Takes new places back, in `at`, until no two stretches touch."""
    busy = np.zeros(len(of.first), np.bool_)
    busy[of.row[(at >= 0) & ~placed_before]] = True
    held = np.flatnonzero((at >= 0) & busy[of.row])
    held = held[np.argsort(at[held], kind="stable")]
    while True:
        start = at[held] + of.row[held]  # with one place between rows, so that the ends of two rows do not touch
        reach = np.maximum.accumulate(start + of.length[held])
        touching = np.flatnonzero(start[1:] <= reach[:-1]) + 1
        if not touching.size:
            return
        furthest = np.flatnonzero(np.diff(reach, prepend=-1))  # the stretches that reach further than all before them
        ahead = furthest[np.searchsorted(furthest, touching) - 1]
        turn = held + len(at) * ~placed_before[held]  # who goes first keeps its place
        at[held[np.where(turn[ahead] > turn[touching], ahead, touching)]] = -1
        held = held[at[held] >= 0]


def one_by_one(
    avoided: Bools, segment: Ints, start: Ints, length: Ints, placed: Bools, budget: int, rng: np.random.Generator
) -> bool:
    """Places stretches in `placed` one after another and says whether each stayed whole and the overlap within the budget.

    Args:
        avoided: [n] bool, the tokens of one row that stretches overlap at most by chance.
        segment: [n] the number of the segment that a token belongs to, ascending.
        start: the old places of the stretches, within the row; the longest stretch comes first.
        length: their lengths.
        placed: [n] bool, the tokens that other stretches take; changed in place.
        budget: how many avoided tokens all stretches may cover.
        rng: draws.
    """
    n = len(avoided)
    crossed: Ints = np.concatenate([[0], np.cumsum(avoided)])
    overlap = int(np.count_nonzero(placed & avoided))
    kept = True
    for old, size in zip(start.tolist(), length.tolist(), strict=True):
        places = np.arange(n - size + 1)
        taken: Ints = np.concatenate([[0], np.cumsum(placed)])
        free = (taken[size:] == taken[: n - size + 1]) & (segment[: n - size + 1] == segment[size - 1 :])
        if not free.any():  # no gap is long enough: take single free tokens, such as are not avoided where possible
            order = np.lexsort((rng.random(n), avoided))
            loose = order[~placed[order]][:size]
            placed[loose] = True
            overlap += int(np.count_nonzero(avoided[loose]))
            kept = False
            continue
        cost = crossed[size:] - crossed[: n - size + 1]
        allowed = free & (cost <= budget - overlap)
        if not allowed.any():
            allowed = free & (cost == cost[free].min())
            kept = False
        roomy = allowed & (taken[np.minimum(places + size + 1, n)] == taken[np.maximum(places - 1, 0)])
        allowed = roomy if roomy.any() else allowed
        # the density at the token, which is the mean over the token to within 1 % from 40 tokens on
        weight = np.where(allowed, np.exp(-0.5 * ((places - old) / (BLUR * n)) ** 2) + 1e-12, 0.0)
        total = np.cumsum(weight)
        chosen = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
        placed[chosen : chosen + size] = True
        overlap += int(cost[chosen])
    return kept
