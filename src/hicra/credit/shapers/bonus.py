"""The bonus part of HICRA: every planning token of a group is paid the same amount, whether its rollout is right or wrong.

Together with `difficulty.py` it is HICRA: difficulty + bonus - A = A + alpha |A|, for rewards of 0 and 1 and A = R - p.

Deviations (the paper does not take HICRA apart; the two parts are this project's):
BONUS-1. The bonus is 2 alpha p(1 - p), whatever the scale of the advantages is. A baseline that divides A by a standard deviation
    s makes HICRA's own bonus 2 alpha p(1 - p) / s, so the two parts add up to HICRA with mean-centred advantages alone.
BONUS-2. An unscorable rollout is paid nothing.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array
from hicra.credit.entry import Alpha, Batch
from hicra.credit.method import Method
from hicra.credit.shapers.difficulty import success_share


def shape(advantages: Array, batch: Batch, *, alpha: Alpha = 0.2) -> Array:
    """Returns A + 2 alpha p(1 - p) on planning tokens and A elsewhere; p is the share of right rollouts of the group.

    Args:
        advantages: [B,T].
        batch: holds planning_mask [B,T], response_mask [B,T], rewards [B] (0, 1 or NaN) and group_ids [B].
        alpha: in [0, 1). A negative advantage that is smaller than the bonus changes its sign.
    """
    p = np.nan_to_num(success_share(batch["rewards"], batch["group_ids"]))[:, None]
    bonus = (2 * alpha * p * (1 - p)).astype(advantages.dtype)
    return np.where(batch["planning_mask"] & (bonus > 0), advantages + bonus, advantages)  # adding 0 would lose -0.0


METHOD = Method(
    "hicra_bonus", shape, "this project's: the bonus that HICRA pays to planning tokens",
    needs=("response_mask", "planning_mask", "rewards", "group_ids"), binary=True, scope="batch", strength="alpha",
)  # fmt: skip
