"""The soft Bellman backup of tokens: what the value of each token of a row is regressed on.

    inside an action:  Q(s, w_<j, w_j) <- E_{w ~ pi}[Q(s, w_<=j, w)] - beta KL(pi || rho)(s, w_<=j)
    its last token:    Q(s, w_<m, w_m) <- r + gamma (E_{w ~ pi}[Q(s', w)] - beta KL(pi || rho)(s'))

There is no discount and no reward inside an action, so that the values of its tokens are those of the action: the KL term of the
tokens adds up to that of the action (the chain rule), which `tabular.py` has side by side.

Source: Wen et al. 2024, arXiv:2402.06700.

Deviations (of the authors' code, which has no licence, was read, and is not copied):
ETPO-1. Their target inside an action takes the KL term of the next step of the environment. Here it is that of the next token, as
    the formula has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hicra.arrays import Floats
from hicra.errors import DataError


def token_targets(values: Any, rewards: Any, action_ids: Any, mask: Any, gamma: float) -> Floats:
    """Returns the target of each token, [B,T] float64, 0 where the policy wrote nothing.

    Args:
        values: [B,T] E_pi[Q] - beta KL(pi || rho) where the token was chosen.
        rewards: [B,T] the reward of the action that a token belongs to; it counts at the last token of the action.
        action_ids: [B,T] number of that action in its row.
        mask: [B,T] bool, the tokens that the policy wrote. After the last one of a row nothing follows.
        gamma: discount of an action, 0 to 1.

    Raises:
        DataError: a value or a reward of a token is not finite.

    One action of three tokens with the reward 1, then one of two with the reward 2:

    >>> token_targets([[5, 4, 3, 2, 1]], [[1, 1, 1, 2, 2]], [[0, 0, 0, 1, 1]], np.ones((1, 5), bool), 0.5).tolist()
    [[4.0, 3.0, 2.0, 1.0, 2.0]]
    """
    values, rewards = np.asarray(values, np.float64), np.asarray(rewards, np.float64)
    action_ids, mask = np.asarray(action_ids), np.asarray(mask, np.bool_)
    if not (np.isfinite(values[mask]).all() and np.isfinite(rewards[mask]).all()):
        raise DataError(
            "a value or a reward of a token is not finite, so it has no target",
            "lower the learning rate of the critic, and look at what the environment pays",
        )
    targets = np.zeros(values.shape)
    for row, written in enumerate(mask):
        at = np.flatnonzero(written)
        inside = np.append(action_ids[row, at[1:]] == action_ids[row, at[:-1]], False)[: len(at)]
        after = np.append(values[row, at[1:]], 0.0)[: len(at)]
        targets[row, at] = np.where(inside, after, rewards[row, at] + gamma * after)
    return targets
