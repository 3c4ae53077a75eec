"""The clipped surrogate, and the four ways to bring its tokens to one number.

Token by token it is -min(r A, clip(r, 1 - clip_low, 1 + clip_high) A), r = exp(logp - old_logp) (Schulman et al. 2017,
arXiv:1707.06347; clip_high > clip_low is the clip-higher of DAPO). What differs is the mean: how much a token counts in a
long response. The formulas are for a whole batch at once; an engine that accumulates it in parts divides by the totals of the
whole.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from hicra.arrays import namespace_of
from hicra.credit.entry import Loss
from hicra.strict import Positive, Share

ClipHigh = Annotated[float, Field(ge=0)]


def surrogate(logps: Any, old_logps: Any, advantages: Any, clip_low: float, clip_high: float) -> Any:
    """[B,T] the loss of each token; all arguments [B,T], numpy or torch, log-probabilities in nats."""
    xp = namespace_of(logps)
    ratio = xp.exp(logps - old_logps)
    return -xp.minimum(ratio * advantages, xp.clip(ratio, 1 - clip_low, 1 + clip_high) * advantages)


def grpo(
    logps: Any, old_logps: Any, advantages: Any, mask: Any, *, clip_low: Share = 0.2, clip_high: ClipHigh = 0.28
) -> Any:
    """The mean over responses of the mean over their tokens: a token of a long response counts less."""
    tokens = surrogate(logps, old_logps, advantages, clip_low, clip_high) * mask
    count = mask.sum(-1)
    return (tokens.sum(-1) / (count + (count == 0))).mean()


def dapo(
    logps: Any, old_logps: Any, advantages: Any, mask: Any, *, clip_low: Share = 0.2, clip_high: ClipHigh = 0.28
) -> Any:
    """The mean over all tokens of the whole batch, over every part and process that it is split into."""
    tokens = surrogate(logps, old_logps, advantages, clip_low, clip_high) * mask
    count = mask.sum()
    return tokens.sum() / (count + (count == 0))


def bnpo(
    logps: Any, old_logps: Any, advantages: Any, mask: Any, *, clip_low: Share = 0.2, clip_high: ClipHigh = 0.28
) -> Any:
    """The mean over all tokens of what is seen at once: `dapo` on a whole batch, another mean where it is split."""
    return dapo(logps, old_logps, advantages, mask, clip_low=clip_low, clip_high=clip_high)


def dr_grpo(
    logps: Any,
    old_logps: Any,
    advantages: Any,
    mask: Any,
    *,
    clip_low: Share = 0.2,
    clip_high: ClipHigh = 0.28,
    most_tokens: Positive | None = None,
) -> Any:
    """The sum over tokens over B times a constant, the longest response allowed (None: T): no length decides the weight."""
    tokens = surrogate(logps, old_logps, advantages, clip_low, clip_high) * mask
    return tokens.sum() / (mask.shape[0] * (most_tokens or mask.shape[1]))


GRPO = Loss("grpo", grpo, "Shao et al. 2024, arXiv:2402.03300")
DAPO = Loss("dapo", dapo, "Yu et al. 2025, arXiv:2503.14476")
BNPO = Loss("bnpo", bnpo, "TRL's token mean of one micro-batch")
DR_GRPO = Loss("dr_grpo", dr_grpo, "Liu et al. 2025, arXiv:2503.20783")
