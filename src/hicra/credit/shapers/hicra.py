"""HICRA is A + alpha |A| on planning tokens (section 3 of the paper, the hierarchy-aware advantage; its alpha is always 0.2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from hicra.arrays import Array, as_flags, namespace_of
from hicra.credit.border import array_of, cast, floats, like, widened
from hicra.credit.entry import Alpha, Batch, check_alpha
from hicra.credit.method import Method


def hicra(advantages: Any, planning_mask: Any, alpha: float = 0.2) -> Any:
    """Amplifies advantages on planning tokens only: (1+alpha) A where A > 0 and (1-alpha) A where A < 0.

    Args:
        advantages: [B] or [B,T] floats, numpy or torch; never changed in place.
        planning_mask: [B,T] bool, or numbers that are exactly 0 or 1; numpy, torch or lists.
        alpha: in [0, 1); 0 returns the advantages bit for bit.

    Returns:
        [B,T], numpy or torch as the advantages are, with their dtype and device.

    Raises:
        ConfigError: (a ValueError) alpha lies outside [0, 1), or is no number.
        DataError: the mask is not [B,T] or holds what is neither 0 nor 1, or the advantages do not fit it.

    >>> hicra(np.array([1.0, -1.0]), np.array([[True, False], [True, False]])).tolist()
    [[1.2, 1.0], [-0.8, -1.0]]
    """
    check_alpha(alpha)
    given, xp = array_of(advantages), namespace_of(advantages)
    mask = like(as_flags(planning_mask, "planning_mask"), given)
    wide = widened(floats(given), mask.shape, "planning_mask")
    return cast(xp.where(mask & (alpha > 0), wide + alpha * xp.abs(wide), wide), given)


def shape(advantages: Array, batch: Batch, *, alpha: Alpha = 0.2) -> Array:
    """Returns A + alpha |A| on planning tokens and A elsewhere: (1 + alpha) A where A > 0, (1 - alpha) A where A < 0.

    Args:
        advantages: [B,T].
        batch: holds planning_mask and response_mask, both [B,T].
        alpha: in [0, 1); 0 returns the advantages bit for bit. The paper uses 0.2.
    """
    return np.asarray(hicra(advantages, batch["planning_mask"], alpha))


METHOD = Method(
    "hicra", shape, "Wang et al. 2025, arXiv:2509.03646, section 3",
    needs=("response_mask", "planning_mask"), changes="planning", strength="alpha", keeps_sign=True,
)  # fmt: skip
