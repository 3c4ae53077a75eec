"""More credit, in the direction that it has, for tokens late in a response.

That the bonus bears the sign of the advantage and grows with the relative position is certain. Its curve is a reconstruction.

Deviations:
POSITION-1. The bonus is a scaled sigmoid of the relative position, gamma / (1 + exp(-steepness (t/n - 1/2))): a reconstruction,
    as are both defaults. It rises from nearly 0 to nearly gamma, and is gamma / 2 in the middle.
POSITION-2. Positions count the policy tokens of a row, from 1 to n. Tool output does not count.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from hicra.arrays import Array, Bools, Floats
from hicra.credit.entry import Batch
from hicra.credit.method import Method


def shape(
    advantages: Array,
    batch: Batch,
    *,
    gamma: Annotated[float, Field(ge=0)] = 0.1,
    steepness: Annotated[float, Field(gt=0)] = 10.0,
) -> Array:
    """Returns A + sign(A) b, where b grows with the relative position (Deng et al. 2025, arXiv:2508.02260; b reconstructed).

    The bonus does not shrink with A. With the default, its mean over a response is 0.05: a tenth of |A| = 1/2, which is that of
    rewards 0 and 1 in a group of which half is right, and two fifths of |A| = 1/8. An advantage of 0 stays 0.

    Args:
        advantages: [B,T].
        batch: holds response_mask.
        gamma: at least 0, the bound of the bonus, in units of the advantage; 0 gives A back.
        steepness: above 0; the larger, the more suddenly the bonus sets in half-way through.
    """
    if gamma == 0:
        return advantages
    return np.asarray(
        advantages + np.sign(advantages) * bonus(batch["response_mask"], gamma, steepness), advantages.dtype
    )


def bonus(live: Bools, gamma: float, steepness: float) -> Floats:
    """Returns the bonus b [B,T] of each policy token `live` [B,T]; it rises along a row."""
    place = np.cumsum(live, axis=1)
    relative = place / np.maximum(place[:, -1:], 1)
    # the same as gamma / (1 + exp(-x)), without an overflow for a large steepness
    curve: Floats = gamma * (0.5 + 0.5 * np.tanh(0.5 * steepness * (relative - 0.5)))
    return curve


METHOD = Method(
    "position_shaping", shape, "Deng et al. 2025, arXiv:2508.02260; the curve of the bonus is reconstructed",
    needs=("response_mask",), strength="gamma", keeps_sign=True,
)  # fmt: skip
