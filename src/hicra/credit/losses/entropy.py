"""The clipped surrogate with a reward for entropy: the "entropy regularisation" that HICRA is compared with.

Deviations (the paper says that the term is on all tokens alike, and gives neither its coefficient nor its mean):
LOSS-1. The coefficient is 0.001, this project's choice. Sweep it before a comparison is drawn from it.
LOSS-2. Entropies are averaged as the losses of tokens are, by the setting `mean`. TRL's `entropy_coef` averages them over tokens
    whatever its loss does; with mean "tokens" the two agree.
"""

from __future__ import annotations

from typing import Any

from hicra.credit.entry import Batch
from hicra.credit.loss import Loss
from hicra.credit.losses.clipped import NotNegative, clip
from hicra.errors import DataError
from hicra.strict import Share


def entropy_regularised(
    logps: Any,
    old_logps: Any,
    advantages: Any,
    mask: Any,
    batch: Batch,
    *,
    coefficient: NotNegative = 0.001,
    clip_low: Share = 0.2,
    clip_high: NotNegative = 0.28,
) -> Any:
    """Returns the clipped surrogate minus coefficient * H.

    The form is certain (Wang et al. 2025, arXiv:2509.03646, baselines), its numbers are not: see the module's deviations.

    Args:
        logps: [B,T].
        old_logps: [B,T].
        advantages: [B,T].
        mask: [B,T].
        batch: holds entropies [B,T] in nats, of the policy that is trained; the gradient flows through them too. Those of the
            policy that sampled would be constants, and the term would do nothing.
        coefficient: at least 0, in units of the advantage per nat; 0 gives `clip`.
        clip_low: as in `clip`.
        clip_high: as in `clip`.

    Raises:
        DataError: a gradient flows into the log-probabilities and none into the entropies, so the term would do nothing.
    """
    entropies = batch["entropies"]
    if coefficient and getattr(logps, "requires_grad", False) and not entropies.requires_grad:
        raise DataError(
            "no gradient flows into the entropies, so entropy_regularised would train as clip does",
            "give the entropies of the forward pass that gave the log-probabilities, not those of sampling time",
        )
    losses = clip(logps, old_logps, advantages, mask, batch, clip_low=clip_low, clip_high=clip_high)
    return losses - coefficient * entropies


ENTROPY_REGULARISED = Loss(
    "entropy_regularised",
    entropy_regularised,
    "Wang et al. 2025, arXiv:2509.03646, baselines; coefficient of this project",
    needs=("entropies",),
)
