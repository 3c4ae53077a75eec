"""A bonus on uncertain tokens, planning or not: the "high-entropy advantage" that HICRA is compared with."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import AfterValidator

from hicra.arrays import Array
from hicra.credit.entry import Batch
from hicra.credit.method import Method
from hicra.errors import ConfigError


def _not_negative(alpha: float) -> float:
    if not alpha >= 0:
        raise ConfigError(f"alpha is {alpha}, it must not be negative", "the method's paper uses alpha=0.4")
    return alpha


def _above_one(kappa: float) -> float:
    if not kappa > 1:
        raise ConfigError(
            f"kappa is {kappa}, it must be above 1: otherwise advantages can change sign",
            "the method's paper uses kappa=2",
        )
    return kappa


NotNegative = Annotated[float, AfterValidator(_not_negative)]
AboveOne = Annotated[float, AfterValidator(_above_one)]


def bonus(advantages: Array, batch: Batch, alpha: float, kappa: float) -> Array:
    """Returns min(alpha H, |A| / kappa) [B,T], 0 where the policy did not produce the token."""
    entropies = np.where(batch["response_mask"], batch["entropies"], 0.0)
    return np.asarray(np.minimum(alpha * entropies, np.abs(advantages) / kappa))


def shape(advantages: Array, batch: Batch, *, alpha: NotNegative = 0.4, kappa: AboveOne = 2.0) -> Array:
    """Returns A + min(alpha H, |A| / kappa) (Cheng et al. 2025, arXiv:2506.14758); kappa > 1 keeps every sign.

    Args:
        advantages: [B,T].
        batch: holds entropies [B,T] in nats (no gradient flows through them) and response_mask.
        alpha: at least 0; Cheng et al. use 0.4 for GRPO.
        kappa: above 1.
    """
    if alpha == 0:
        return advantages
    return np.asarray(advantages + bonus(advantages, batch, alpha, kappa), advantages.dtype)


METHOD = Method(
    "entropy_advantage", shape, "Cheng et al. 2025, arXiv:2506.14758",
    needs=("response_mask", "entropies"), strength="alpha", keeps_sign=True,
)  # fmt: skip
