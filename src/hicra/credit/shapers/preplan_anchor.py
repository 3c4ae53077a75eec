"""Preplan-and-anchor credit, experimental: more credit on tokens that attention singles out, in rollouts that went well.

The idea is that a model looks far back to write a token that introduces a step (preplan), and that tokens to which many later
ones attend (anchors) carry the reasoning. Both are read off attention maps of the policy, and not off a lexicon.

Deviations (Li et al. 2025; this project knows their rule from descriptions, and not from their code):
RHYTHM-4. A preplan token is one after which WAAD falls the most: waad(t) - waad(t + 1), where t + 1 is the next policy token of
    the row. The last policy token has no such fall, and is taken last.
RHYTHM-5. The share is of each rollout's own policy tokens, rounded down; of equal values the earlier token is taken first.
RHYTHM-6. Their third rule, which moves credit from an anchor to the preplan token before it, is not built.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator

from hicra.arrays import Array, Bools, Floats
from hicra.credit.entry import Batch
from hicra.credit.method import Method
from hicra.errors import ConfigError
from hicra.strict import Share


def _at_least_one(gain: float) -> float:
    if not 1 <= gain < float("inf"):
        raise ConfigError(f"gain is {gain}, it must be at least 1", "the method's paper uses gain=1.5")
    return gain


def shape(
    advantages: Array,
    batch: Batch,
    *,
    gain: Annotated[float, AfterValidator(_at_least_one)] = 1.5,
    rho: Share = 0.4,
    tokens: Literal["preplan", "anchor"] = "anchor",
) -> Array:
    """Returns gain A on the top `rho` of a row's tokens where A >= 0, and A elsewhere (Li et al. 2025, arXiv:2510.13554).

    Args:
        advantages: [B,T].
        batch: holds waad and fai [B,T] (`hicra.generation.attention_reading`), finite at policy tokens, and response_mask.
        gain: at least 1; 1 gives A back.
        rho: share of a row's policy tokens, from 0 to 1.
        tokens: "preplan" ranks by the fall of WAAD, "anchor" by FAI.
    """
    live = batch["response_mask"]
    values = falls(batch["waad"], live) if tokens == "preplan" else batch["fai"].astype(np.float64)
    chosen = top(values, live, rho)
    return np.asarray(np.where(chosen & (advantages >= 0), advantages * gain, advantages), advantages.dtype)


def falls(values: Array, live: Bools) -> Floats:
    """Returns values(t) - values(next policy token of the row) [B,T], -inf at the last policy token and off them."""
    found = np.full(live.shape, -np.inf)
    row, column = np.nonzero(live)
    same = row[1:] == row[:-1]
    numbers = values[row, column].astype(np.float64)
    found[row[:-1][same], column[:-1][same]] = (numbers[:-1] - numbers[1:])[same]
    return found


def top(values: Floats, live: Bools, share: float) -> Bools:
    """Returns the policy tokens with the largest values of each row, [B,T]: floor(share times their number) of them."""
    # a share such as 0.4 of 5 tokens is 2, also where the product is a rounding error below
    count = np.floor(np.count_nonzero(live, axis=1) * share + 1e-9)
    order = np.lexsort(
        (np.where(live, -values, np.inf), ~live), axis=1
    )  # policy tokens first, the largest first, stable
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(live.shape[1]), live.shape), axis=1)
    chosen: Bools = live & (rank < count[:, None])
    return chosen


METHOD = Method(
    "preplan_anchor", shape, "Li et al. 2025, arXiv:2510.13554, rebuilt from descriptions; experimental",
    needs=("response_mask", "waad", "fai"), keeps_sign=True,
)  # fmt: skip
