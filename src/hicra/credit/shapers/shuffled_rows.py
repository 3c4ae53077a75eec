"""HICRA with the planning mask of another rollout: the marks look like planning, but stand where another response had them.

`placebo` keeps how many tokens of a row are marked and draws new places. This control takes a mask that occurred, with its
places and runs, and breaks the tie between the mask and the text.

Deviations (the paper has no such control; the definition is this project's):
SHUFFLED-1. The rollouts with planning tokens take part, all of the batch, whatever their group; one without any stays as it is.
    They stand in a circle whose order the seed draws, and each takes the mask of the next. So every mask is used once, and
    none by its own rollout. A rollout that is the only one with planning tokens keeps its mask.
SHUFFLED-2. Rollouts that are equal in tokens and planning mask count as one, which takes one mask: nothing but the order of
    rows could tell them apart.
SHUFFLED-3. A mask is carried over to a response of another length by relative position: of n policy tokens, token k (from 0) gets
    the mark of token floor((k + 1/2) m / n) of the m policy tokens of the other. So the planning share is kept up to rounding,
    and runs become longer or shorter with the response.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array, Bools
from hicra.credit.entry import Alpha, Batch
from hicra.credit.method import Method
from hicra.credit.shapers.draw import Seed, row_key
from hicra.credit.shapers.hicra import hicra


def shape(advantages: Array, batch: Batch, *, alpha: Alpha = 0.2, seed: Seed = 0) -> Array:
    """Returns A + alpha |A| on the mask of another rollout and A elsewhere.

    Args:
        advantages: [B,T].
        batch: holds planning_mask, response_mask and response_ids, all [B,T].
        alpha: in [0, 1).
        seed: decides which rollout's mask a rollout gets.
    """
    mask = shuffled_mask(batch["planning_mask"], batch["response_mask"], batch["response_ids"], seed)
    return np.asarray(hicra(advantages, mask, alpha))


def shuffled_mask(planning: Bools, live: Bools, ids: Array, seed: int) -> Bools:
    """Returns a mask [B,T] in which every row with planning tokens has the mask of another one, as the deviations above say.

    Args:
        planning: [B,T], the planning mask.
        live: [B,T], the policy tokens.
        ids: [B,T] token ids.
        seed: decides which row gets which mask.
    """
    planning = planning & live
    out = np.zeros(live.shape, np.bool_)
    key = {
        int(row): row_key(2 * ids[row, live[row]].astype(np.int64) + planning[row, live[row]], seed)
        for row in np.flatnonzero(planning.any(axis=1))
    }
    mask_of = {key[row]: planning[row, live[row]] for row in key}
    circle = sorted(mask_of)
    following = dict(zip(circle, circle[1:] + circle[:1], strict=True))
    for row in key:
        own, other = np.flatnonzero(live[row]), mask_of[following[key[row]]]
        out[row, own] = other[(2 * np.arange(len(own)) + 1) * len(other) // (2 * len(own))]
    return out


METHOD = Method(
    "shuffled_rows", shape, "this project's control: HICRA with the mask of another rollout",
    needs=("response_mask", "planning_mask", "response_ids"), scope="batch", strength="alpha", keeps_sign=True,
)  # fmt: skip
