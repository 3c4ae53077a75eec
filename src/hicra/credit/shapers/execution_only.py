"""Credit on execution tokens alone: planning tokens get no gradient.
It is the other half of `planning_only.py` (KIND-1).
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array
from hicra.credit.entry import Batch
from hicra.credit.method import Method


def shape(advantages: Array, batch: Batch) -> Array:
    """Returns A on execution tokens and 0 on planning tokens.

    Args:
        advantages: [B,T].
        batch: holds planning_mask and response_mask, both [B,T].
    """
    return np.where(batch["planning_mask"], np.zeros((), advantages.dtype), advantages)


METHOD = Method(
    "execution_only", shape, "this project's control: execution tokens alone",
    needs=("response_mask", "planning_mask"), selects=True, keeps_sign=True,
)  # fmt: skip
