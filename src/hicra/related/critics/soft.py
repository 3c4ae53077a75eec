"""Values and policies of a problem whose reward is regularised by the distance to a reference: the ground of ETPO.

At a state the agent chooses a word w of the vocabulary with probability pi(w), and pays beta KL(pi || rho) for its distance
to the reference rho. With the value Q(w) of each word the best it can do is the soft value

    V = max over pi of  E_pi[Q] - beta KL(pi || rho)  =  beta log sum_w rho(w) exp(Q(w) / beta),

reached by pi(w) = rho(w) exp((Q(w) - V) / beta). For large beta that is rho, for small beta the word of the highest Q.

All functions take numpy arrays or torch tensors [...,V], of finite numbers, and work over the last axis.

Source: Wen et al. 2024, arXiv:2402.06700; the identity is that of any entropy-regularised problem.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logsumexp


def soft_value(q: Any, log_rho: Any, beta: float) -> Any:
    """Returns beta log sum_w rho(w) exp(Q(w) / beta), [...].

    Args:
        q: [...,V] the value of each word.
        log_rho: [...,V] log-probabilities of the reference, in nats.
        beta: weight of the distance, above 0, in units of reward.

    >>> round(float(soft_value(np.array([1.0, 0.0]), np.log([0.5, 0.5]), 1.0)), 4)  # log((e + 1) / 2)
    0.6201
    """
    tilted = log_rho + q / beta
    return beta * (tilted.logsumexp(-1) if hasattr(tilted, "logsumexp") else logsumexp(tilted, axis=-1))


def soft_policy(q: Any, log_rho: Any, beta: float) -> Any:
    """Returns log pi of the policy that reaches the soft value, log rho + (Q - V) / beta, [...,V].

    Args:
        q, log_rho, beta: as for `soft_value`.

    >>> np.exp(soft_policy(np.array([1.0, 0.0]), np.log([0.5, 0.5]), 1.0)).round(4).tolist()  # e / (e + 1), 1 / (e + 1)
    [0.7311, 0.2689]
    """
    return log_rho + (q - soft_value(q, log_rho, beta)[..., None]) / beta


def divergence(log_p: Any, log_q: Any) -> Any:
    """Returns KL(p || q) in nats, [...], of two distributions [...,V] by their log-probabilities."""
    return (_exp(log_p) * (log_p - log_q)).sum(-1)


def policy_value(q: Any, log_pi: Any, log_rho: Any, beta: float) -> Any:
    """Returns E_pi[Q] - beta KL(pi || rho) of any policy, [...]; it is at most the soft value.

    Args:
        q, log_rho, beta: as for `soft_value`; beta may be 0 here.
        log_pi: [...,V] log-probabilities of the policy.
    """
    return (_exp(log_pi) * q).sum(-1) - beta * divergence(log_pi, log_rho)


def _exp(values: Any) -> Any:
    return values.exp() if hasattr(values, "exp") else np.exp(values)
