"""The clipped surrogate loss of a token (PPO, GRPO), with a clip of its own for ratios that rise: DAPO's clip-higher."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from hicra.arrays import namespace_of
from hicra.credit.entry import Batch
from hicra.credit.loss import Loss
from hicra.strict import Share

ClipHigh = Annotated[float, Field(ge=0)]


def surrogate(logps: Any, old_logps: Any, advantages: Any, clip_low: float, clip_high: float) -> Any:
    """Returns the loss of each token [B,T]; all arrays are [B,T], numpy or torch, log-probabilities in nats."""
    xp = namespace_of(logps)
    ratio = xp.exp(logps - old_logps)
    return -xp.minimum(ratio * advantages, xp.clip(ratio, 1 - clip_low, 1 + clip_high) * advantages)


def clip(
    logps: Any,
    old_logps: Any,
    advantages: Any,
    mask: Any,
    batch: Batch,
    *,
    clip_low: Share = 0.2,
    clip_high: ClipHigh = 0.28,
) -> Any:
    """Returns -min(r A, clip(r, 1 - clip_low, 1 + clip_high) A) with r = exp(logp - old_logp).

    Schulman et al. 2017, arXiv:1707.06347. clip_high > clip_low is the clip-higher of DAPO (Yu et al. 2025, arXiv:2503.14476).
    """
    return surrogate(logps, old_logps, advantages, clip_low, clip_high)


CLIP = Loss("clip", clip, "Schulman et al. 2017, arXiv:1707.06347; clip-higher: Yu et al. 2025, arXiv:2503.14476")
