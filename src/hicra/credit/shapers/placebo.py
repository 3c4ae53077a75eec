"""The placebo applies HICRA's amplification to a random mask that resembles the planning mask.

Deviations (the paper names a placebo on random n-grams and gives no procedure; this one is matched more tightly):
PLACEBO-1. Every row keeps its number of planning tokens exactly, and the lengths of its stretches of planning tokens.
PLACEBO-2. A stretch moves to a place that is drawn from a Gaussian kernel around its old place (standard deviation 15 % of the
    response). The batch's distribution of positions is kept up to that blur. No stretch touches another where there is room.
PLACEBO-3. A row's overlap with its planning tokens is at most what chance gives: (planning share of the row) x (tokens placed),
    rounded up. Where a row has too few other tokens left for that, the overlap is as small as it can be.
PLACEBO-4. The draw depends on the seed and the row's own tokens, never on the order of rows or on padding.

The stretches of a row are placed one after the other, in all rows at once. So the time grows with the number of stretches in a
row as well as with the number of tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    planning, live = planning.astype(bool) & live, live.astype(bool)
    out = np.zeros(live.shape, np.bool_)
    rows = np.flatnonzero(planning.any(axis=1))
    if rows.size:
        generators = [row_generator(ids[row, live[row]], seed) for row in rows]
        out[rows] = _Placing(planning[rows], live[rows], generators).mask()
    return out


class _Placing:
    """Moves the stretches of planning tokens of many rows at once; every row has some, and a generator of its own.

    The N policy tokens of all rows are numbered through. `start`, `length` and `row` are [S], of the S stretches in all rows.
    """

    def __init__(self, planning: Bools, live: Bools, generators: Sequence[np.random.Generator]) -> None:
        self.shape, self.generators = live.shape, generators
        self.column = np.flatnonzero(live)  # [N] the place of a token in the flat batch
        self.planning = planning.ravel()[self.column]  # [N]
        self.size = live.sum(axis=1)  # [B] policy tokens of a row
        self.first = np.cumsum(self.size) - self.size  # [B] number of its first one
        self.crossed: Ints = np.concatenate([[0], np.cumsum(self.planning)])  # [N+1] planning tokens before each token
        marked = np.flatnonzero(self.planning)
        count = self.crossed[self.first + self.size] - self.crossed[self.first]
        row = np.repeat(np.arange(len(count)), count)
        begins = np.flatnonzero((np.diff(marked, prepend=-2) > 1) | (np.diff(row, prepend=-1) > 0))
        self.start, self.row = marked[begins], row[begins]
        self.length = np.diff(begins, append=len(marked))
        # [B] planning tokens that may still be crossed
        self.budget = np.ceil(count / self.size * count).astype(np.int64)
        # a cell a token, and an empty one before and after each row: token k of row i is cell k + i + 1
        self.taken = np.zeros(len(self.column) + len(self.size) + 1, np.bool_)

    def mask(self) -> Bools:
        """Returns the mask [B,T]."""
        place, cost, inside = self._drawn()
        loose = np.zeros(len(self.size), np.bool_)  # rows in which single tokens had to be taken
        order = np.lexsort((-self.length, self.row))  # the longest of a row first, while there is room for them
        count = np.bincount(self.row)
        rank = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
        for one in np.split(order[np.argsort(rank, kind="stable")], np.cumsum(np.bincount(rank))[:-1]):
            row, length = self.row[one], self.length[one]
            cell, size = place[one] + row[:, None] + 1, length[:, None]
            # What is taken stands in stretches that are no shorter than this one (where it is not, the row is loose). So whatever
            # meets or touches the place has taken its middle, or the cell before or after it.
            met = self.taken[cell - 1] | self.taken[cell + size // 2] | self.taken[cell + size]
            fits = inside[one] & (cost[one] <= self.budget[row][:, None]) & ~met & ~loose[row][:, None]
            which, found = np.argmax(fits, axis=1), fits.any(axis=1)
            self.budget[row[found]] -= cost[one, which][found]
            begin, length = cell[np.arange(len(one)), which][found], length[found]
            ends = np.cumsum(length)
            self.taken[np.repeat(begin - ends + length, length) + np.arange(length.sum())] = True
            for stretch in one[~found]:
                loose[self.row[stretch]] |= self._search(int(stretch))
        cells = np.flatnonzero(self.taken)
        row = np.searchsorted(self.first + np.arange(len(self.first)) + 1, cells, "right") - 1
        out = np.zeros(self.shape, np.bool_)
        out.ravel()[self.column[cells - row - 1]] = True
        return out

    def _drawn(self) -> tuple[Ints, Ints, Bools]:
        """Draws places for each stretch: where it would begin, what planning tokens it would cross, whether it fits its row.

        All three are [S,TRIES].
        """
        drawn = zip(self.generators, np.bincount(self.row), strict=True)
        normal = np.concatenate([rng.standard_normal((count, TRIES)) for rng, count in drawn])
        first, size, length = self.first[self.row][:, None], self.size[self.row][:, None], self.length[:, None]
        place = np.rint(self.start[:, None] + BLUR * size * normal).astype(np.int64)
        inside = (place >= first) & (place <= first + size - length)
        place = np.where(inside, place, self.start[:, None])
        # a stretch never crosses tokens that are no policy tokens
        inside &= self.column[place + length - 1] - self.column[place] == length - 1
        return place, self.crossed[place + length] - self.crossed[place], inside

    def _search(self, stretch: int) -> bool:
        """Looks at every place of the row for one stretch and takes one; returns whether it had to take single tokens.

        Drawing again until a place fits gives the same chances in less time, but it may take long where few places fit.
        """
        row, length = int(self.row[stretch]), int(self.length[stretch])
        n, first, rng = int(self.size[row]), int(self.first[row]), self.generators[row]
        placed = self.taken[first + row + 1 : first + row + 1 + n]  # a view
        column, crossed = self.column[first : first + n], self.crossed[first : first + n + 1]
        at = np.arange(n - length + 1)
        taken = np.concatenate([[0], np.cumsum(placed)])
        free = (taken[at + length] == taken[at]) & (column[at + length - 1] - column[at] == length - 1)
        if not free.any():  # no gap is long enough: take single free tokens, execution tokens where possible
            planning = self.planning[first : first + n]
            order = np.lexsort((rng.random(n), planning))
            single = order[~placed[order]][:length]
            placed[single] = True
            self.budget[row] -= int(planning[single].sum())
            return True
        cost = crossed[at + length] - crossed[at]
        allowed = free & (cost <= self.budget[row])
        if not allowed.any():
            allowed = free & (cost == cost[free].min())
        roomy = allowed & (taken[np.minimum(at + length + 1, n)] == taken[np.maximum(at - 1, 0)])
        allowed = roomy if roomy.any() else allowed
        distance = (at - (self.start[stretch] - first)) / (BLUR * n)
        weight = np.where(allowed, np.exp(-0.5 * distance**2) + 1e-12, 0.0)
        chosen = int(rng.choice(len(at), p=weight / weight.sum()))
        placed[chosen : chosen + length] = True
        self.budget[row] -= int(cost[chosen])
        return False


METHOD = Method(
    "placebo", shape, "Wang et al. 2025, arXiv:2509.03646, camera-ready placebo, matched more tightly",
    needs=("response_mask", "planning_mask", "response_ids"), strength="alpha", keeps_sign=True,
)  # fmt: skip
