"""One loss for every likelihood of whole responses: with `ar` it is GSPO, with `elbo` it is ESPO (arXiv:2512.03759).

    rho_i = exp((L(y_i) - L_old(y_i)) / |y_i|),   loss_i = -min(rho_i A_i, clip(rho_i) A_i) + beta KL_i

The response is one action with one advantage. `level: token` is the stand-in that ESPO argues against: each token has a ratio of
its own, made of its part of the likelihood, and the same advantage.

Deviations:
ESPO-3. The KL term is divided by the length of the response, as the authors' code does and the formula of the paper does not; the
    published values of beta go with that code. `kl_over_length: false` is the paper's form.
ESPO-4. At the token level the KL term is the mean over the response's tokens of the same estimator on their parts. GRPO, which
    others put on the tokens of such models, has k3 there; here only the level differs between two arms.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from hicra.credit.losses.clipped import surrogate
from hicra.credit.losses.parts import ratio_of, row_mean
from hicra.errors import DataError
from hicra.related.likelihoods.divergence import DIVERGENCES
from hicra.strict import Flat, Share

NotNegative = Annotated[float, Field(ge=0)]


class Objective(Flat):
    """What of the likelihoods is made smaller; the defaults are ESPO's.

    Attributes:
        level: whether a response or a token has a ratio.
        clip_low, clip_high: bounds of the ratio below and above 1.
        beta: weight of the KL term to the reference.
        kl: its estimator (`divergence.py`).
        kl_over_length: whether it is divided by the length of the response (ESPO-3).
    """

    level: Literal["sequence", "token"] = "sequence"
    clip_low: Share = 0.2
    clip_high: NotNegative = 0.2
    beta: NotNegative = 0.01
    kl: Literal["k2", "k1", "k3"] = "k2"
    kl_over_length: bool = True


def response_losses(
    parts: Tensor, old: Tensor, reference: Tensor | None, advantages: Tensor, live: Tensor, objective: Objective
) -> tuple[Tensor, dict[str, float]]:
    """Computes the loss of each response; their mean is what training makes smaller.

    Args:
        parts: [B,T] of the policy that is trained; a gradient flows to them.
        old: [B,T] of the policy that sampled, under the same masks.
        reference: [B,T] of the reference, under the same masks; None where beta is 0.
        advantages: [B].
        live: [B,T] bool, the tokens of the responses.
        objective: the settings.

    Returns:
        The losses [B], and `ratio` (mean), `clipped` (share of ratios outside of the bounds) and `kl` (mean, before beta).

    Raises:
        DataError: beta is above 0 and there is no reference, or a shape differs.
    """
    if objective.beta and reference is None:
        raise DataError("the KL term has no reference", "give the parts of the reference, or set beta to 0")
    reference = parts.detach() if reference is None else reference
    for name, one in {"old": old, "reference": reference, "live": live}.items():
        if one.shape != parts.shape or advantages.shape != parts.shape[:1]:
            raise DataError(
                f"parts {tuple(parts.shape)}, {name} {tuple(one.shape)} and advantages {tuple(advantages.shape)} do not fit",
                "give parts as [B,T] and one advantage for each row",
            )
    mean = row_mean(parts - old, live)  # [B,1]: what is between the two in a token, on average
    away, whole = parts - reference, (parts - reference).sum(-1, keepdim=True)
    estimate = DIVERGENCES[objective.kl]
    if objective.level == "sequence":
        ratios, counted = ratio_of(mean), torch.ones_like(mean, dtype=torch.bool)
        kl = estimate(whole) / (live.sum(-1, keepdim=True) if objective.kl_over_length else 1)
    else:
        ratios, counted, kl = ratio_of(parts - old), live, estimate(away)
    terms = surrogate(ratios, advantages[:, None], objective.clip_low, objective.clip_high) + objective.beta * kl
    outside = (ratios < 1 - objective.clip_low) | (ratios > 1 + objective.clip_high)
    with torch.no_grad():
        told = {
            "ratio": _mean(ratios, counted), "clipped": _mean(outside.to(ratios.dtype), counted), "kl": _mean(kl, counted),
        }  # fmt: skip
    return row_mean(terms, counted)[:, 0], told


def _mean(values: Any, counted: Tensor) -> float:
    return float(values[counted].mean())
