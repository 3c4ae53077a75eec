"""Losses of the form -weight * A * log pi, whose weight no gradient flows through: no token is clipped out of the gradient.

Deviations:
LOSS-3. `cispo` bounds the weight from above alone. Its paper writes a lower bound too and sets it so low that it never acts.
LOSS-4. `em_policy_gradient` is a reconstruction: only the abstract of its paper is known here, which fixes that there are neither
    ratios nor a clip. Which weights a rollout gets is left to the baseline; the KL term against a reference is the engine's.
LOSS-13. Where vLLM samples, the ratio that corrects for its numbers multiplies the loss of a token. TRL's own `vespo` puts it
    into phi instead.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field

from hicra.arrays import namespace_of
from hicra.credit.entry import Batch
from hicra.credit.loss import Loss
from hicra.credit.losses.clipped import NotNegative
from hicra.credit.losses.parts import either, fixed

Above0 = Annotated[float, Field(gt=0)]


def cispo(logps: Any, old_logps: Any, advantages: Any, mask: Any, batch: Batch, *, clip_high: NotNegative = 4.0) -> Any:
    """Returns -sg(min(r, 1 + clip_high)) A logp (MiniMax 2025, arXiv:2506.13585).

    The clip bounds the weight of a token in place of ending its gradient. The default bound, 5, is that of ScaleRL (Khatri et al.
    2025, arXiv:2510.13786); TRL's `epsilon_high` is the bound itself, so 5.0 there.
    """
    xp = namespace_of(logps)
    ratio = xp.exp(fixed(logps) - old_logps)
    return -xp.clip(ratio, None, 1 + clip_high) * advantages * logps


def em_policy_gradient(logps: Any, old_logps: Any, advantages: Any, mask: Any, batch: Batch) -> Any:
    """Returns -A logp, the weighted log-likelihood of the M-step (Xu 2025, arXiv:2504.18587; a reconstruction).

    The rationale is a latent variable. The E-step samples rationales and fixes their weights, which are the advantages here; the
    M-step makes the weighted ones likelier, over several optimiser steps on the same rollouts. `old_logps` are not used.

    With weights f(R) that are not negative, an exact pair of steps never lowers log E[f(R)]. Signed weights promise that for
    small steps alone, and can ruin the policy over many steps on the same rollouts; a KL term or fewer steps prevent it.
    """
    return -advantages * logps


def vespo(
    logps: Any,
    old_logps: Any,
    advantages: Any,
    mask: Any,
    batch: Batch,
    *,
    k_pos: Above0 = 2.0,
    lambda_pos: Above0 = 3.0,
    k_neg: Above0 = 3.0,
    lambda_neg: Above0 = 2.0,
) -> Any:
    """Returns -sg(phi(w)) A logp with phi(w) = w^k exp(lambda (1 - w)), w the ratio of the whole response (arXiv:2602.10693).

    w = exp(sum_t log r_t), each log r_t held in [-20, 20] and the sum in [log 1e-8, 20], as TRL does. k and lambda go by the sign
    of A: `k_pos`, `lambda_pos` where A >= 0, the others where A < 0. phi(1) = 1.
    """
    xp = namespace_of(logps)
    log_ratio = xp.clip(fixed(logps) - old_logps, -20.0, 20.0)
    log_w = xp.clip((log_ratio * mask).sum(-1), math.log(1e-8), 20.0)[:, None]
    good = advantages >= 0
    k, slope = either(good, k_pos, k_neg, advantages), either(good, lambda_pos, lambda_neg, advantages)
    return -xp.exp(slope + k * log_w - slope * xp.exp(log_w)) * advantages * logps


CISPO = Loss("cispo", cispo, "MiniMax 2025, arXiv:2506.13585; bound: Khatri et al. 2025, arXiv:2510.13786")
EM_POLICY_GRADIENT = Loss(
    "em_policy_gradient", em_policy_gradient, "Xu 2025, arXiv:2504.18587; a reconstruction", mean="constant"
)
VESPO = Loss("vespo", vespo, "arXiv:2602.10693, constants as in TRL", signed=True)
