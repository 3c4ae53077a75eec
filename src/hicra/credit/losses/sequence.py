"""Losses with the probability ratio of a whole response, which is less noisy than those of its tokens: GSPO and GMPO.

Deviations:
LOSS-5. `gmpo` takes advantages token by token, which its paper and TRL do not: the loss of token t is
    -A_t sg(w) exp(l_t - sg(l_t)), with w the geometric mean of the clipped ratios of the response and l_t the clipped log-ratio
    of the token. With equal advantages in a response, value and gradient are those of GMPO. Each log-ratio is clipped by the sign
    of its own advantage.
"""

from __future__ import annotations

from typing import Any

from hicra.arrays import namespace_of
from hicra.credit.entry import Batch
from hicra.credit.loss import Loss
from hicra.credit.losses.clipped import NotNegative, surrogate
from hicra.credit.losses.parts import fixed, ratio_of, row_mean
from hicra.strict import Share


def gspo(
    logps: Any,
    old_logps: Any,
    advantages: Any,
    mask: Any,
    batch: Batch,
    *,
    clip_low: Share = 3e-4,
    clip_high: NotNegative = 4e-4,
) -> Any:
    """Returns the clipped surrogate with the response's ratio s = exp(mean_t log r_t) (Zheng et al. 2025, arXiv:2507.18071).

    All tokens of a response share s and its gradient. So where advantages differ inside a response, every token is credited with
    their mean: use `gspo_token` with a shaper that tells tokens apart.
    """
    ratio = ratio_of(row_mean(logps - old_logps, mask))
    return surrogate(ratio, advantages, clip_low, clip_high)


def gspo_token(
    logps: Any,
    old_logps: Any,
    advantages: Any,
    mask: Any,
    batch: Batch,
    *,
    clip_low: Share = 3e-4,
    clip_high: NotNegative = 4e-4,
) -> Any:
    """Returns the clipped surrogate with s_t = sg(s) pi_t / sg(pi_t), s as in `gspo` (Zheng et al. 2025, section on GSPO-token).

    Each token keeps its own advantage. With equal advantages in a response, value and gradient are those of `gspo` under the mean
    "responses".
    """
    ratio = ratio_of(fixed(row_mean(logps - old_logps, mask)) + logps - fixed(logps))
    return surrogate(ratio, advantages, clip_low, clip_high)


def gmpo(
    logps: Any,
    old_logps: Any,
    advantages: Any,
    mask: Any,
    batch: Batch,
    *,
    log_low: NotNegative = 0.4,
    log_high: NotNegative = 0.4,
) -> Any:
    """Returns -A_t sg(w) exp(l_t - sg(l_t)): the geometric mean of clipped ratios (Zhao et al. 2025, arXiv:2507.20673).

    l_t is log r_t, at most log_high where A_t > 0 and at least -log_low elsewhere, and w = exp(mean_t l_t). LOSS-5 says what of
    this is the paper's and what is the rule of this project.
    """
    xp = namespace_of(logps)
    log_ratio = logps - old_logps
    clipped = xp.where(advantages > 0, xp.clip(log_ratio, None, log_high), xp.clip(log_ratio, -log_low, None))
    return -advantages * ratio_of(fixed(row_mean(clipped, mask)) + clipped - fixed(clipped))


GSPO = Loss("gspo", gspo, "Zheng et al. 2025, arXiv:2507.18071", mean="responses", by_response=True)
GSPO_TOKEN = Loss("gspo_token", gspo_token, "Zheng et al. 2025, arXiv:2507.18071, token form", mean="responses")
GMPO = Loss("gmpo", gmpo, "Zhao et al. 2025, arXiv:2507.20673; token by token as LOSS-5", mean="responses", signed=True)
