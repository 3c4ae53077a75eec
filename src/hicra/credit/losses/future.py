"""Tokens are weighed by how the policy has moved on the tokens after them: FIPO.

Its paper was not read here. Formula and constants are those that its ports agree on (ms-swift, and pull requests to TRL and
slime), which follow the authors' script for a model of 32 billion parameters.

Deviations:
LOSS-6. The weight lies in [1 - weight_low, 1 + weight_high] = [0.8, 1.2], the formula of the paper as the ports write it. The
    authors' script sets weight_low to 0, so that a weight can only amplify.
LOSS-7. The authors' code drops a response with more than one token beyond the dual clip. Here the dual clip alone ends the
    gradient of those tokens.
"""

from __future__ import annotations

import math
from typing import Any

from hicra.arrays import namespace_of
from hicra.credit.entry import Batch
from hicra.credit.loss import Loss
from hicra.credit.losses.clipped import AboveOne, NotNegative, bounded
from hicra.credit.losses.parts import fixed, ratio_of
from hicra.credit.losses.score import Above0
from hicra.strict import Share

NEGLIGIBLE = 1e-12  # a factor on log-probabilities that float32 does not see in their sum


def fipo(
    logps: Any,
    old_logps: Any,
    advantages: Any,
    mask: Any,
    batch: Batch,
    *,
    tau: Above0 = 32.0,
    weight_low: Share = 0.2,
    weight_high: NotNegative = 0.2,
    guard: AboveOne = 4.0,
    clip_low: Share = 0.2,
    clip_high: NotNegative = 0.28,
    c: AboveOne = 10.0,
) -> Any:
    """Returns the dual-clipped surrogate of sg(f_t) A_t with f_t = clip(exp(F_t), 1 - weight_low, 1 + weight_high).

    F_t = sum_{k >= t} g^(k-t) (logp - old_logp)_k over policy tokens, g = 2^(-1/tau) (Ma et al. 2026, arXiv:2603.19835). Before
    the first inner step F is 0, f is 1 and the loss is `dual_clip`. It takes O(B T log tau).

    Args:
        logps: [B,T].
        old_logps: [B,T].
        advantages: [B,T].
        mask: [B,T]. Other tokens add nothing to F, and count as distance.
        batch: unused.
        tau: half-life of the influence of later tokens, in tokens.
        weight_low: how far a weight may fall below 1; 0 lets it only amplify.
        weight_high: how far it may rise above 1.
        guard: where A < 0 and r > guard, the weight is at most 1: the token is pushed down hard enough as it is.
        clip_low: as in `clip`.
        clip_high: as in `clip`.
        c: as in `dual_clip`; a token with r > c is an outlier and adds nothing to F.
    """
    xp = namespace_of(logps)
    ratio = ratio_of(logps - old_logps)
    apart = fixed(ratio)
    moved = xp.where(mask & (apart <= c), fixed(logps) - old_logps, 0.0)
    future = discounted(moved, 2 ** (-1 / tau))
    weight = xp.clip(xp.exp(xp.clip(future, None, math.log1p(weight_high))), 1 - weight_low, None)
    weight = xp.where((advantages < 0) & (apart > guard), xp.clip(weight, None, 1.0), weight)
    return bounded(ratio, weight * advantages, clip_low, clip_high, c)


def discounted(values: Any, decay: float) -> Any:
    """Returns sum_{k >= t} decay^(k-t) values_k for each token of [B,T], without gradients; numpy or torch.

    Sums over 1, 2, 4, ... tokens are made of two of the size before, until what is further away no longer counts.
    """
    total, reach = values + 0, 1
    while reach < values.shape[1] and decay**reach > NEGLIGIBLE:
        later = decay**reach * total[:, reach:]  # a new array, so that the sum may be made in place
        total[:, :-reach] += later
        reach *= 2
    return total


FIPO = Loss("fipo", fipo, "Ma et al. 2026, arXiv:2603.19835, as its ports have it", signed=True)
