"""The rule of the released code, taken second-hand from a third-party port that quotes it line by line, with its no-op repaired.

It differs from the paper: it also amplifies tokens of high entropy in right responses that are longer than their group's mean.
As quoted, the update was written into a copy (chained boolean indexing) and changed nothing; here it takes effect.

Deviations:
RELEASED-1. The quoted code calls its length threshold the mean of correct answers, but computes the mean of the whole group. The
    mean of the whole group is kept.
RELEASED-2. A token whose entropy equals the threshold does not count as high (strictly greater, as quoted).
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from hicra.arrays import Array
from hicra.credit.entry import Alpha, Batch
from hicra.credit.method import Method
from hicra.credit.shapers.hicra import hicra


def shape(
    advantages: Array, batch: Batch, *, alpha: Alpha = 0.2, rho: Annotated[float, Field(gt=0, le=1)] = 0.3
) -> Array:
    """Returns A + alpha |A| on planning tokens and on high-entropy tokens of right, longer-than-average responses, A elsewhere.

    Args:
        advantages: [B,T].
        batch: holds planning_mask, response_mask and entropies [B,T] (nats), and group_ids [B].
        alpha: in [0, 1).
        rho: share of the tokens of a response that count as high in entropy, in (0, 1].

    The entropies of each row are sorted, so it takes O(B T log T).
    """
    live, entropies = batch["response_mask"], batch["entropies"]
    if not live.size:
        return advantages
    length = live.sum(axis=1)
    _, group = np.unique(batch["group_ids"], return_inverse=True)
    longer = length > (np.bincount(group, length) / np.bincount(group))[group]
    first = np.argmax(live, axis=1)
    right = (advantages[np.arange(len(advantages)), first] > 0) & (length > 0)
    # entropies are sorted in ascending order with the padding last; entry int((1 - rho) n) is the threshold
    ascending = np.sort(np.where(live, entropies, np.inf), axis=1)
    index = np.minimum(((1 - rho) * length).astype(int), np.maximum(length - 1, 0))
    threshold = ascending[np.arange(len(ascending)), index]
    high = live & (entropies > threshold[:, None]) & (right & longer)[:, None]
    return np.asarray(hicra(advantages, (batch["planning_mask"].astype(bool) & live) | high, alpha))


METHOD = Method(
    "hicra_released", shape, "released code as quoted second-hand, its no-op repaired",
    needs=("response_mask", "planning_mask", "entropies", "group_ids"), scope="batch", strength="alpha", keeps_sign=True,
)  # fmt: skip
