"""Methods that go by token entropy instead of function: what HICRA is compared with (section 5 of the paper's baselines)."""

from __future__ import annotations

import numpy as np

from hicra.credit.table import Array, Batch
from hicra.errors import ConfigError


def entropy_advantage(advantages: Array, batch: Batch, *, alpha: float = 0.4, kappa: float = 2.0) -> Array:
    """A + min(alpha H, |A| / kappa) (Cheng et al. 2025, arXiv:2506.14758); kappa > 1 keeps every sign.

    Args:
        advantages: [B,T].
        batch: entropies [B,T] in nats (no gradient flows through them), response_mask.
        alpha: >= 0; 0.4 is their value for GRPO.
        kappa: > 1.
    """
    if alpha < 0:
        raise ConfigError(f"alpha is {alpha}, it must not be negative", "the method's own value is alpha=0.4")
    if kappa <= 1:
        raise ConfigError(f"kappa is {kappa}, it must be above 1, or signs flip", "the method's own value is kappa=2")
    if alpha == 0:
        return advantages
    entropies = np.where(batch["response_mask"], batch["entropies"], 0.0)
    return np.asarray(advantages + np.minimum(alpha * entropies, np.abs(advantages) / kappa), advantages.dtype)


def forking_tokens(advantages: Array, batch: Batch, *, rho: float = 0.2) -> Array:
    """A on the top `rho` of the batch's tokens by entropy, 0 elsewhere (Wang et al. 2025, arXiv:2506.01939).

    The loss normaliser stays the count of all tokens: nothing here changes the response mask.

    Args:
        advantages: [B,T].
        batch: entropies [B,T] in nats, response_mask.
        rho: in (0, 1]; 1 keeps every token.
    """
    if not 0 < rho <= 1:
        raise ConfigError(f"rho is {rho}, it must lie in (0, 1]", "the method's own value is rho=0.2")
    live = batch["response_mask"]
    if not live.any():
        return advantages
    threshold = np.quantile(batch["entropies"][live].astype(np.float64), 1 - rho)
    return np.where(live & (batch["entropies"] >= threshold), advantages, np.zeros((), advantages.dtype))
