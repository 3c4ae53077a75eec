"""Credit on planning tokens alone: execution tokens get no gradient.

Deviations:
KIND-1. The paper has no such arm; this one and `execution_only.py` are this project's. The loss is still divided by the count of
    all policy tokens, so the gradients of the two add up to GRPO's, and each step is the smaller for what was left out.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array
from hicra.credit.entry import Batch
from hicra.credit.method import Method


def shape(advantages: Array, batch: Batch) -> Array:
    """Returns A on planning tokens and 0 on execution tokens.

    Args:
        advantages: [B,T].
        batch: holds planning_mask and response_mask, both [B,T].
    """
    return np.where(batch["planning_mask"], advantages, np.zeros((), advantages.dtype))


METHOD = Method(
    "planning_only", shape, "this project's control: planning tokens alone",
    needs=("response_mask", "planning_mask"), selects=True, keeps_sign=True,
)  # fmt: skip
