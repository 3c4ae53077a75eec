"""TACO, tail-aware credit calibration: less praise for a token that was unlikely even where the policy was uncertain.

A right response may hold tokens that only bad luck of sampling put there. Plain GRPO praises them like all others. TACO asks
whether a token was far less likely than the entropy at its place explains, and if so, cuts what is positive.

Deviations:
TACO-1. The authors' code takes log-probability and entropy of the policy that is being updated, anew for each optimiser step.
    Here they are those of the policy that sampled, once a generation: the same in the first step after it.
TACO-2. The paper's alpha is called `tail` here and its lambda `suppression`, since `alpha` is kept for strengths whose 0 gives
    the input back.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from hicra.arrays import Array
from hicra.credit.entry import Batch
from hicra.credit.method import Method
from hicra.strict import Share


def shape(
    advantages: Array, batch: Batch, *, tail: Annotated[float, Field(gt=0)] = 0.01, suppression: Share = 0.9
) -> Array:
    """Returns w A where A > 0 and A elsewhere (arXiv:2607.07976).

    With the tail risk r = -log p - H + log(tail), w is 1 where r <= 0, and 1 - suppression (1 - exp(-r)) elsewhere.

    Args:
        advantages: [B,T].
        batch: holds old_logprobs (log p) and entropies (H) [B,T] in nats, and response_mask.
        tail: alpha in the paper, above 0. A token lies in the tail if its probability is below tail exp(-H).
        suppression: lambda in the paper, from 0 to 1: what an endlessly unlikely token loses. 0 gives A back.
    """
    live = batch["response_mask"]
    surprise = np.where(live, -batch["old_logprobs"] - batch["entropies"], 0.0).astype(np.float64, copy=False)
    weights = 1.0 + suppression * np.expm1(-np.maximum(surprise + np.log(tail), 0.0))
    return np.where(advantages > 0, advantages * weights, advantages).astype(advantages.dtype, copy=False)


METHOD = Method(
    "taco", shape, "tail-aware credit calibration, 2026, arXiv:2607.07976", needs=("response_mask", "old_logprobs", "entropies"),
    strength="suppression", keeps_sign=True,
)  # fmt: skip
