"""Estimators of KL(policy || reference) from the log-likelihoods of what the policy sampled, and what their gradients are.

With d = L_policy - L_reference of a response that the policy sampled, all three have the mean KL when L is the log-likelihood, or
nearly so for k2. What training sees is the gradient, and there they differ:

    k1 = d               its mean gradient is 0: it only adds noise, and lets the policy drift
    k2 = d^2 / 2         d grad L: its mean is the gradient of KL(policy || reference)
    k3 = e^-d - 1 + d    (1 - e^-d) grad L: its mean is the gradient of KL(reference || policy); bounded where d is large, and it
                         explodes where d is far below 0

So k2 is the default, as in ESPO (arXiv:2512.03759).
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from hicra.credit.losses.parts import ratio_of


def k1(difference: Tensor) -> Tensor:
    """Returns d."""
    return difference


def k2(difference: Tensor) -> Tensor:
    """Returns d^2 / 2."""
    return difference**2 / 2


def k3(difference: Tensor) -> Tensor:
    """Returns e^-d - 1 + d; -d counts as at most 30 in the exponential, as every log-ratio does (LOSS-12)."""
    return ratio_of(-difference) - 1 + difference


DIVERGENCES: dict[str, Callable[[Tensor], Tensor]] = {"k2": k2, "k1": k1, "k3": k3}
