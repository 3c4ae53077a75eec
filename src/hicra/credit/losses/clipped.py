"""The clipped surrogate loss of a token, and four ways to average it over tokens.

The loss of a token is -min(r A, clip(r, 1 - clip_low, 1 + clip_high) A) with r = exp(logp - old_logp) (Schulman et al. 2017,
arXiv:1707.06347; clip_high > clip_low is the clip-higher of DAPO). The four losses differ in the mean: how much a token of a
long response counts. The formulas are for a whole batch at once; an engine that accumulates it in parts divides by the totals
of the whole batch.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from hicra.arrays import namespace_of
from hicra.credit.entry import Loss
from hicra.strict import Positive, Share

ClipHigh = Annotated[float, Field(ge=0)]


def surrogate(logps: Any, old_logps: Any, advantages: Any, clip_low: float, clip_high: float) -> Any:
    """Returns the loss of each token [B,T]; all arrays are [B,T], numpy or torch, log-probabilities in nats."""
    xp = namespace_of(logps)
    ratio = xp.exp(logps - old_logps)
    return -xp.minimum(ratio * advantages, xp.clip(ratio, 1 - clip_low, 1 + clip_high) * advantages)


def grpo(
    logps: Any, old_logps: Any, advantages: Any, mask: Any, *, clip_low: Share = 0.2, clip_high: ClipHigh = 0.28
) -> Any:
    """Averages over the tokens of each response, then over responses, so that a token of a long response counts less."""
    tokens = surrogate(logps, old_logps, advantages, clip_low, clip_high) * mask
    count = mask.sum(-1)
    return (tokens.sum(-1) / (count + (count == 0))).mean()


def dapo(
    logps: Any, old_logps: Any, advantages: Any, mask: Any, *, clip_low: Share = 0.2, clip_high: ClipHigh = 0.28
) -> Any:
    """Averages over all tokens of the whole batch, over every part and process that it is split into."""
    tokens = surrogate(logps, old_logps, advantages, clip_low, clip_high) * mask
    count = mask.sum()
    return tokens.sum() / (count + (count == 0))


def bnpo(
    logps: Any, old_logps: Any, advantages: Any, mask: Any, *, clip_low: Share = 0.2, clip_high: ClipHigh = 0.28
) -> Any:
    """Averages over all tokens that are seen at once: this is `dapo` on a whole batch, and another mean where it is split."""
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
    """Divides the sum over tokens by B * most_tokens, so that no token's weight depends on a length.

    `most_tokens` is the longest response allowed; None takes T.
    """
    tokens = surrogate(logps, old_logps, advantages, clip_low, clip_high) * mask
    return tokens.sum() / (mask.shape[0] * (most_tokens or mask.shape[1]))


GRPO = Loss("grpo", grpo, "Shao et al. 2024, arXiv:2402.03300")
DAPO = Loss("dapo", dapo, "Yu et al. 2025, arXiv:2503.14476")
BNPO = Loss("bnpo", bnpo, "TRL's token mean of one micro-batch")
DR_GRPO = Loss("dr_grpo", dr_grpo, "Liu et al. 2025, arXiv:2503.20783")
