"""The two losses of ETPO: regression of the values of tokens, and the distance of the policy from the one that they ask for.

Source: Wen et al. 2024, arXiv:2402.06700.

Deviations:
ETPO-4. The policy loss of the authors' code averages beta log pi - Q over the vocabulary with equal weights, and has no
    reference in it. Here each token's loss is KL(pi || rho exp(Q / beta) / Z) under pi, as the formula has it. So a word that
    the policy never writes weighs nothing.
"""

from __future__ import annotations

from torch import Tensor

from hicra.related.critics.soft import divergence, soft_policy


def value_loss(q: Tensor, chosen: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Returns the mean over the written tokens of (Q(s, w_<j, w_j) - target)^2.

    Args:
        q: [B,T,V] values of every word.
        chosen: [B,T] ids of the tokens.
        targets: [B,T] as `token_targets` gives them.
        mask: [B,T] bool, the tokens that the policy wrote, at least one.
    """
    of_tokens = q.gather(2, chosen[..., None])[..., 0]
    return ((of_tokens - targets)[mask] ** 2).mean()


def policy_loss(log_pi: Tensor, q: Tensor, log_rho: Tensor, beta: float, mask: Tensor) -> Tensor:
    """Returns the mean over the written tokens of KL(pi || rho exp(Q / beta) / Z), in nats.

    It is (V - (E_pi[Q] - beta KL(pi || rho))) / beta: what the policy falls short of the soft value by. Values and reference
    give no gradient.

    Args:
        log_pi, log_rho: [B,T,V] log-probabilities of policy and reference.
        q: [B,T,V] values of every word.
        beta: weight of the distance to the reference, above 0.
        mask: [B,T] bool, the tokens that the policy wrote, at least one.
    """
    wanted = soft_policy(q.detach(), log_rho.detach(), beta)
    return divergence(log_pi, wanted)[mask].mean()
