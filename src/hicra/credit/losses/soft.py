"""A smooth gate in place of the clip: the gradient of a token fades as its ratio leaves 1, and never ends."""

from __future__ import annotations

from typing import Any

from hicra.arrays import namespace_of
from hicra.credit.entry import Batch
from hicra.credit.loss import Loss
from hicra.credit.losses.parts import either, ratio_of
from hicra.credit.losses.score import Above0


def sapo(
    logps: Any,
    old_logps: Any,
    advantages: Any,
    mask: Any,
    batch: Batch,
    *,
    tau_pos: Above0 = 1.0,
    tau_neg: Above0 = 1.05,
) -> Any:
    """Returns -(4 / tau) sigmoid(tau (r - 1)) A, with tau_pos where A > 0 and tau_neg elsewhere (arXiv:2511.20347).

    At r = 1 the value is -2 A / tau and the gradient -A. The gradient of bad tokens fades faster, as tau_neg > tau_pos.
    """
    xp = namespace_of(logps)
    tau = either(advantages > 0, tau_pos, tau_neg, advantages)
    gate = 1 / (1 + xp.exp(-tau * (ratio_of(logps - old_logps) - 1)))
    return -4 / tau * gate * advantages


SAPO = Loss("sapo", sapo, "Gao et al. 2025, arXiv:2511.20347", mean="responses", signed=True)
