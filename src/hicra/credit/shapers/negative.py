"""HICRA on tokens with a negative advantage alone: planning tokens of bad rollouts are punished less, nothing else changes.
It is the other half of `positive.py` (SIGN-1).
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array
from hicra.credit.entry import Alpha, Batch
from hicra.credit.method import Method
from hicra.credit.shapers.hicra import hicra


def shape(advantages: Array, batch: Batch, *, alpha: Alpha = 0.2) -> Array:
    """Returns (1 - alpha) A on planning tokens where A < 0, and A elsewhere.

    Args:
        advantages: [B,T].
        batch: holds planning_mask and response_mask, both [B,T].
        alpha: in [0, 1).
    """
    return np.asarray(hicra(advantages, batch["planning_mask"] & (advantages < 0), alpha))


METHOD = Method(
    "hicra_negative", shape, "this project's control: HICRA where A < 0",
    needs=("response_mask", "planning_mask"), strength="alpha", keeps_sign=True,
)  # fmt: skip
