"""The difficulty part of HICRA: planning tokens learn faster in hard groups and slower in easy ones, and nothing is paid on top.

With rewards of 0 and 1, p the share of right rollouts of a group, and A = R - p, it holds for every rollout that
|A| = (1 - 2p) A + 2p(1 - p). So HICRA's A + alpha |A| is this factor on A plus a bonus (`bonus.py`), without a remainder.

Deviations (the paper does not take HICRA apart; the two parts are this project's):
DIFFICULTY-1. p is the mean of the scored rewards of the group. A rollout without a reward does not count in it, and its own
    advantage stays as it is.
DIFFICULTY-2. p comes from the rewards and not from the advantages, so the factor is the same with every baseline.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array, Floats
from hicra.credit.entry import Alpha, Batch
from hicra.credit.method import Method
from hicra.errors import DataError


def success_share(rewards: Floats, group_ids: Array) -> Floats:
    """Returns p [B], the share of right rollouts among the scored ones of each rollout's group; NaN for an unscorable rollout.

    Args:
        rewards: [B], each 0 or 1, or NaN where a rollout is unscorable.
        group_ids: [B].

    Raises:
        DataError: a reward is neither 0 nor 1; the message names the row.
    """
    known = ~np.isnan(rewards)
    other = np.flatnonzero(known & (rewards != 0) & (rewards != 1))
    if other.size:
        raise DataError(
            f"rewards: row {other[0]} has {rewards[other[0]]:g}, which is neither 0 nor 1 "
            f"({other.size} of {len(rewards)} rewards are neither); the share of right rollouts needs 0 or 1",
            "give 1 for a right rollout, 0 for a wrong one and None (NaN) where it cannot be scored; `hicra` takes any rewards",
        )
    _, group = np.unique(group_ids, return_inverse=True)
    right, scored = np.bincount(group, np.where(known, rewards, 0.0)), np.bincount(group, known)
    return np.where(known, (right / np.maximum(scored, 1))[group], np.nan)


def difficulty_factor(rewards: Floats, group_ids: Array, alpha: float) -> Floats:
    """Returns 1 + alpha (1 - 2p) for each rollout, [B,1], and 1 for an unscorable one; p = 1/2 and alpha = 0 give exactly 1."""
    p = success_share(rewards, group_ids)[:, None]
    return np.where(np.isnan(p), 1.0, 1 + alpha * (1 - 2 * p))


def shape(advantages: Array, batch: Batch, *, alpha: Alpha = 0.2) -> Array:
    """Returns (1 + alpha (1 - 2p)) A on planning tokens and A elsewhere.

    Args:
        advantages: [B,T].
        batch: holds planning_mask [B,T], response_mask [B,T], rewards [B] (0, 1 or NaN) and group_ids [B].
        alpha: in [0, 1), so that the factor stays above 0 and no sign changes.
    """
    factor = difficulty_factor(batch["rewards"], batch["group_ids"], alpha).astype(advantages.dtype)
    return np.where(batch["planning_mask"], advantages * factor, advantages)


METHOD = Method(
    "hicra_difficulty", shape, "this project's: the factor that HICRA puts on planning tokens",
    needs=("response_mask", "planning_mask", "rewards", "group_ids"), binary=True, scope="batch", strength="alpha",
    keeps_sign=True,
)  # fmt: skip
