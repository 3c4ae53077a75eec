"""The clipped surrogate loss of a token (PPO, GRPO), and the dual clip that also bounds what a bad token can cost."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from hicra.arrays import namespace_of
from hicra.credit.entry import Batch
from hicra.credit.loss import Loss
from hicra.credit.losses.parts import ratio_of
from hicra.strict import Share

NotNegative = Annotated[float, Field(ge=0)]
AboveOne = Annotated[float, Field(gt=1)]


def surrogate(ratio: Any, advantages: Any, clip_low: float, clip_high: float) -> Any:
    """Returns -min(r A, clip(r, 1 - clip_low, 1 + clip_high) A) for each token [B,T]; numpy or torch, `ratio` [B,T] or [B,1]."""
    xp = namespace_of(ratio)
    return -xp.minimum(ratio * advantages, xp.clip(ratio, 1 - clip_low, 1 + clip_high) * advantages)


def bounded(ratio: Any, advantages: Any, clip_low: float, clip_high: float, c: float) -> Any:
    """Returns the surrogate, and no more than c |A| where A < 0; arrays as in `surrogate`."""
    xp = namespace_of(ratio)
    losses = surrogate(ratio, advantages, clip_low, clip_high)
    return xp.where(advantages < 0, xp.minimum(losses, -c * advantages), losses)


def clip(
    logps: Any,
    old_logps: Any,
    advantages: Any,
    mask: Any,
    batch: Batch,
    *,
    clip_low: Share = 0.2,
    clip_high: NotNegative = 0.28,
) -> Any:
    """Returns -min(r A, clip(r, 1 - clip_low, 1 + clip_high) A) with r = exp(logp - old_logp).

    Schulman et al. 2017, arXiv:1707.06347. clip_high > clip_low is the clip-higher of DAPO (Yu et al. 2025, arXiv:2503.14476).
    """
    return surrogate(ratio_of(logps - old_logps), advantages, clip_low, clip_high)


def dual_clip(
    logps: Any,
    old_logps: Any,
    advantages: Any,
    mask: Any,
    batch: Batch,
    *,
    clip_low: Share = 0.2,
    clip_high: NotNegative = 0.28,
    c: AboveOne = 3.0,
) -> Any:
    """Returns the clipped surrogate, and no more than c |A| where A < 0 (Ye et al. 2020, arXiv:1912.09729).

    The clip alone leaves the loss of a bad token unbounded: where such a token has become much likelier than when it was sampled,
    its gradient is r |A|. Beyond r = c it is now 0. Used values of c are 3 (the paper's) and 10.
    """
    return bounded(ratio_of(logps - old_logps), advantages, clip_low, clip_high, c)


CLIP = Loss("clip", clip, "Schulman et al. 2017, arXiv:1707.06347; clip-higher: Yu et al. 2025, arXiv:2503.14476")
DUAL_CLIP = Loss("dual_clip", dual_clip, "Ye et al. 2020, arXiv:1912.09729", signed=True)
