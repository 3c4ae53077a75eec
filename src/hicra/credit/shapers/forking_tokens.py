"""Credit on the most uncertain tokens only: the 80/20 rule of "forking tokens" that HICRA is compared with.

Deviations:
FORKING-1. The threshold is one quantile of the whole batch, of the entropies of the policy that sampled it. The authors' code
    takes the top share of every micro-batch, by the entropies of the policy that is being updated.
FORKING-2. Tokens whose entropy equals the threshold are all kept, so ties keep more than the share rho. The authors' code keeps
    a fixed number of tokens.
FORKING-3. The authors average the loss over the kept tokens, TRL over all tokens: at rho 0.2 their step is five times as large.
    `normalise` offers both, TRL's as the default. "selected" is one factor for the whole batch, so it is the authors' mean with a
    loss that averages over all tokens, such as `dapo`, and the same factor with any other loss.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator

from hicra.arrays import Array
from hicra.credit.entry import Batch
from hicra.credit.method import Method
from hicra.errors import ConfigError


def _share(rho: float) -> float:
    if not 0 < rho <= 1:
        raise ConfigError(f"rho is {rho}, it must lie in (0, 1]", "the method's paper uses rho=0.2")
    return rho


def shape(
    advantages: Array,
    batch: Batch,
    *,
    rho: Annotated[float, AfterValidator(_share)] = 0.2,
    normalise: Literal["all", "selected"] = "all",
) -> Array:
    """Keeps A on the top `rho` of the batch's tokens by entropy and sets it to 0 elsewhere (Wang et al. 2025, arXiv:2506.01939).

    Nothing here changes the response mask, so a loss that averages over tokens still divides by the count of all of them.

    Args:
        advantages: [B,T].
        batch: holds entropies [B,T] in nats and response_mask.
        rho: share of tokens, in (0, 1]; 1 keeps every token.
        normalise: "all" keeps A as it is on the kept tokens; "selected" multiplies it there by (policy tokens of the batch) /
            (kept tokens), so that the mean over all tokens equals the mean over the kept ones.
    """
    live = batch["response_mask"]
    if not live.any():
        return advantages
    threshold = np.quantile(batch["entropies"][live].astype(np.float64), 1 - rho)
    kept = live & (batch["entropies"] >= threshold)
    factor = np.count_nonzero(live) / np.count_nonzero(kept) if normalise == "selected" else 1.0
    return np.where(kept, advantages * factor, np.zeros((), advantages.dtype))


METHOD = Method(
    "forking_tokens", shape, "Wang et al. 2025, arXiv:2506.01939",
    needs=("response_mask", "entropies"), scope="batch", selects=True, keeps_sign=True,
)  # fmt: skip
