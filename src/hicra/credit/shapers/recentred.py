"""HICRA without its push: the bonus is re-centred within each group.

HICRA adds alpha |A| >= 0 to every planning token, so planning tokens gain in every mixed group whatever the outcome. This
control keeps the reweighting and takes that push away. At a group success rate of 1/2 every |A| is equal, HICRA is nothing
but the push, and this method is GRPO exactly.

Deviations:
RECENTRED-1. The paper has no such control; the definition is this project's.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array
from hicra.credit.entry import Alpha, Batch, Method


def shape(advantages: Array, batch: Batch, *, alpha: Alpha = 0.2) -> Array:
    """A + alpha |A| - mean over the group's planning tokens of alpha |A|, on planning tokens alone.

    Args:
        advantages: [B,T].
        batch: planning_mask [B,T], response_mask [B,T], group_ids [B].
        alpha: in [0, 1). Unlike `hicra`, a sign may flip.
    """
    planning = batch["planning_mask"].astype(bool) & batch["response_mask"]
    if alpha == 0 or not planning.any():
        return advantages
    _, group = np.unique(batch["group_ids"], return_inverse=True)
    of_token = np.broadcast_to(group[:, None], planning.shape)[planning]
    bonus = alpha * np.abs(advantages[planning], dtype=np.float64)
    size = group.max() + 1
    mean = np.bincount(of_token, bonus, size) / np.maximum(np.bincount(of_token, minlength=size), 1)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, of_token, bonus)
    np.maximum.at(high, of_token, bonus)
    shift = np.where((low == high)[of_token], 0.0, bonus - mean[of_token])  # equal bonuses: exactly GRPO
    shaped = advantages.copy()
    shaped[planning] += shift
    return shaped


METHOD = Method(
    "hicra_recentred", shape, "this project's control",
    needs=("response_mask", "planning_mask", "group_ids"), scope="batch", strength="alpha",
)  # fmt: skip
