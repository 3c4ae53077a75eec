"""HICRA's difficulty factor on every token: it tells whether the planning mask matters to `hicra_difficulty` at all.

Deviations:
DIFFICULTY-3. The paper has no such control; the definition is this project's. It looks at no planning mask.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array
from hicra.credit.entry import Alpha, Batch
from hicra.credit.method import Method
from hicra.credit.shapers.difficulty import difficulty_factor


def shape(advantages: Array, batch: Batch, *, alpha: Alpha = 0.2) -> Array:
    """Returns (1 + alpha (1 - 2p)) A on every token; p is the share of right rollouts of the group.

    Args:
        advantages: [B,T].
        batch: holds response_mask [B,T], rewards [B] (0, 1 or NaN) and group_ids [B].
        alpha: in [0, 1).
    """
    factor = difficulty_factor(batch["rewards"], batch["group_ids"], alpha).astype(advantages.dtype)
    return np.asarray(advantages * factor)


METHOD = Method(
    "difficulty_all", shape, "this project's control of hicra_difficulty",
    needs=("response_mask", "rewards", "group_ids"), binary=True, scope="batch", strength="alpha", keeps_sign=True,
)  # fmt: skip
