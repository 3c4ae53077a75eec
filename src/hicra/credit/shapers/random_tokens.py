"""Credit on random tokens: is it the tokens that a method marks, or would any tokens do?

Several papers report that a random subset of the tokens does nearly as well as a chosen one. This control draws a share `rho` of
the policy tokens, and either amplifies them as HICRA amplifies planning tokens or keeps them alone, as `planning_only` and
`forking_tokens` do. Unlike `placebo` it looks at no planning mask.

Deviations (how the subset is drawn is this project's choice):
RANDOM-1. Tokens are drawn one by one, without replacement, in every row for itself. A row of n policy tokens has rho n of them,
    rounded up or down at random, so that the share is rho on average in short rows too.
RANDOM-2. The draw depends on the seed and the row's own tokens, never on the order of rows or on padding. So it is another one at
    every step, and the same one where a response comes again.
RANDOM-3. With mode "keep" the loss is still divided by the count of all policy tokens.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from hicra.arrays import Array, Bools
from hicra.credit.entry import Alpha, Batch
from hicra.credit.method import Method
from hicra.credit.shapers.draw import Seed, row_generator
from hicra.credit.shapers.hicra import hicra


def shape(
    advantages: Array,
    batch: Batch,
    *,
    alpha: Alpha = 0.2,
    rho: Annotated[float, Field(gt=0, le=1)] = 0.2,
    mode: Literal["amplify", "keep"] = "amplify",
    seed: Seed = 0,
) -> Array:
    """Returns A + alpha |A| on random tokens and A elsewhere; with mode "keep", A on them and 0 elsewhere.

    Args:
        advantages: [B,T].
        batch: holds response_mask and response_ids, both [B,T].
        alpha: in [0, 1); mode "keep" does not read it.
        rho: share of the policy tokens that are drawn, in (0, 1].
        mode: "amplify" or "keep".
        seed: decides the draw.
    """
    mask = random_mask(batch["response_mask"], batch["response_ids"], rho, seed)
    if mode == "keep":
        return np.where(mask, advantages, np.zeros((), advantages.dtype))
    return np.asarray(hicra(advantages, mask, alpha))


def random_mask(live: Bools, ids: Array, rho: float, seed: int) -> Bools:
    """Draws a share `rho` of the policy tokens of every row, [B,T].

    Args:
        live: [B,T], the policy tokens.
        ids: [B,T] token ids.
        rho: in (0, 1].
        seed: decides the draw.
    """
    out = np.zeros(live.shape, np.bool_)
    for row in range(len(live)):
        where = np.flatnonzero(live[row])
        rng = row_generator(ids[row, where], seed)
        count = int(rho * len(where) + rng.random())
        out[row, rng.choice(where, count, replace=False, shuffle=False)] = True
    return out


METHOD = Method(
    "random_tokens", shape, "this project's control: HICRA, or a selection, on random tokens",
    needs=("response_mask", "response_ids"), strength="alpha", selects=True, keeps_sign=True,
)  # fmt: skip
