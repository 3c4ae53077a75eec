"""Credit in proportion to a token's entropy: the light form of GTPO, as the library `retrain` has it.

It shares with GTPO (Tan et al. 2025, arXiv:2508.04349) the idea that an uncertain token earns more, and nothing of its formula:
GTPO makes new rewards out of entropies, apart for right and wrong rollouts. So it has a name of its own.

Deviations:
LIGHTGTPO-1. The source weighs by the surprisal of the sampled token, cut off at a bound, as a stand-in for entropy. Here it is
    the entropy itself, without a bound.
LIGHTGTPO-2. The mean is that of the row's policy tokens, as in the source. A row whose mean entropy is 0 keeps its advantages.
LIGHTGTPO-3. An entropy below 0, which is a rounding error of the engine, counts as 0.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from hicra.arrays import Array, Bools, Floats
from hicra.credit.entry import Batch
from hicra.credit.method import Method

Beta = Annotated[float, Field(ge=0)]


def shape(advantages: Array, batch: Batch, *, beta: Beta = 0.1) -> Array:
    """Returns A max(0, 1 + beta (H / mean H - 1)), with the mean of the row's policy tokens.

    Args:
        advantages: [B,T].
        batch: holds entropies [B,T] in nats and response_mask.
        beta: at least 0. Up to 1, every weight is at least 1 - beta and a row's weights average 1; above 1, the surest tokens of
            a row get 0.
    """
    live = batch["response_mask"]
    return np.asarray(advantages * entropy_weights(entropies_of(batch), live, beta), advantages.dtype)


def entropies_of(batch: Batch) -> Floats:
    """Returns the batch's entropies [B,T] as float64, at least 0, and 0 outside response_mask."""
    return np.where(batch["response_mask"], np.maximum(batch["entropies"], 0.0), 0.0).astype(np.float64, copy=False)


def row_means(values: Floats, where: Bools) -> Floats:
    """Returns the mean of each row [B,1] over the tokens `where` [B,T]; 0 for a row that has none of them."""
    count = np.count_nonzero(where, axis=1, keepdims=True)
    mean: Floats = np.sum(values, axis=1, where=where, keepdims=True) / np.maximum(count, 1)
    return mean


def entropy_weights(entropies: Floats, live: Bools, beta: float) -> Floats:
    """Returns max(0, 1 + beta (H / mean H - 1)) [B,T]; 1 in a row whose mean is 0.

    Args:
        entropies: [B,T] in nats, at least 0.
        live: [B,T], the policy tokens, over which a row's mean is taken.
        beta: at least 0; 0 gives weights of exactly 1.
    """
    mean = row_means(entropies, live)
    relative = np.divide(entropies, mean, out=np.ones_like(entropies), where=mean > 0)
    weights: Floats = np.maximum(0.0, 1.0 + beta * (relative - 1.0))
    return weights


METHOD = Method(
    "light_gtpo", shape, "the library retrain (T. Millet, 2026), with entropy in place of surprisal",
    needs=("response_mask", "entropies"), strength="beta", keeps_sign=True,
)  # fmt: skip
