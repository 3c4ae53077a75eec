"""Whitening: the advantages of a batch are centred and divided by their standard deviation, as REINFORCE++-baseline does.

It is a step of a baseline, and stands among the shapers so that its place in a run can be named. Before another shaper it sets
the scale that the other works on. After one it would take out what that one added on average, so it has to come first.

Deviations:
WHITEN-1. The variance is the unbiased one over policy tokens, and 1e-8 is added to it, as in verl's whitening. Where all
    advantages are equal the result is exactly 0.
WHITEN-2. Tokens of unscorable rollouts do not count, and their advantages stay as they are. Otherwise a rollout without a reward
    would be taught something: centring would give it minus the mean.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array
from hicra.credit.entry import Batch
from hicra.credit.method import Method

EPSILON = 1e-8


def shape(advantages: Array, batch: Batch) -> Array:
    """Returns (A - mean) / sqrt(variance + 1e-8); both are over the policy tokens of all scored rollouts of the batch.

    Args:
        advantages: [B,T].
        batch: holds response_mask [B,T] and rewards [B] (NaN where unscorable).
    """
    counted = batch["response_mask"] & ~np.isnan(batch["rewards"])[:, None]
    values = advantages[counted].astype(np.float64)
    if not values.size:
        return advantages
    if values.min() == values.max():  # the mean of many equal numbers need not be that number
        return np.where(counted, np.zeros((), advantages.dtype), advantages)
    return np.where(counted, (advantages - values.mean()) / np.sqrt(values.var(ddof=1) + EPSILON), advantages)


METHOD = Method(
    "whiten", shape, "Hu et al. 2025, arXiv:2501.03262, REINFORCE++-baseline, after its group mean",
    needs=("response_mask", "rewards"), scope="batch", whitens=True,
)  # fmt: skip
