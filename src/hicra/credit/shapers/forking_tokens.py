"""Credit on the most uncertain tokens only: the 80/20 rule of "forking tokens" that HICRA is compared with."""

from __future__ import annotations

from typing import Annotated

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


def shape(advantages: Array, batch: Batch, *, rho: Annotated[float, AfterValidator(_share)] = 0.2) -> Array:
    """Keeps A on the top `rho` of the batch's tokens by entropy and sets it to 0 elsewhere (Wang et al. 2025, arXiv:2506.01939).

    The loss is still divided by the count of all tokens: nothing here changes the response mask.

    Args:
        advantages: [B,T].
        batch: holds entropies [B,T] in nats and response_mask.
        rho: share of tokens, in (0, 1]; 1 keeps every token.
    """
    live = batch["response_mask"]
    if not live.any():
        return advantages
    threshold = np.quantile(batch["entropies"][live].astype(np.float64), 1 - rho)
    return np.where(live & (batch["entropies"] >= threshold), advantages, np.zeros((), advantages.dtype))


METHOD = Method(
    "forking_tokens", shape, "Wang et al. 2025, arXiv:2506.01939",
    needs=("response_mask", "entropies"), scope="batch", selects=True, keeps_sign=True,
)  # fmt: skip
