"""HICRA with its bonus re-centred within each group, as a control.

HICRA adds alpha |A| >= 0 to every planning token, so planning tokens gain on average in every group with mixed rewards,
whatever the outcome. This control keeps the reweighting and removes that gain. At a group success rate of 1/2 every |A| is
equal, HICRA adds the same bonus to every planning token, and this method is exactly GRPO.

Deviations:
RECENTRED-1. The paper has no such control; the definition is this project's.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array
from hicra.credit.entry import Alpha, Batch
from hicra.credit.method import Method


def shape(advantages: Array, batch: Batch, *, alpha: Alpha = 0.2) -> Array:
    """Returns A + alpha |A| - (mean of alpha |A| over the group's planning tokens) on planning tokens and A elsewhere.

    Args:
        advantages: [B,T].
        batch: holds planning_mask [B,T], response_mask [B,T] and group_ids [B].
        alpha: in [0, 1). Unlike with `hicra`, an advantage may change its sign.
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
    shift = np.where((low == high)[of_token], 0.0, bonus - mean[of_token])  # with equal bonuses this is exactly GRPO
    shaped = advantages.copy()
    shaped[planning] += shift
    return shaped


METHOD = Method(
    "hicra_recentred", shape, "this project's control",
    needs=("response_mask", "planning_mask", "group_ids"), scope="batch", strength="alpha",
)  # fmt: skip
