"""Pass@k: only the best rollout of a group has an advantage (Tang et al. 2025, arXiv:2503.19595, as verl has it).

With G rollouts a prompt, k = G: what counts is the largest reward of the group, and the best rollout raised it above the second.

What is certain: the formula, from verl's code. That it is what arXiv:2503.19595 says is verl's word.

Deviations:
PASSK-1. verl divides by the standard deviation of the group unless its setting says otherwise. Here the difference stands as it
    is, which is the change of the largest reward.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array, Floats
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import scored_groups
from hicra.credit.entry import Batch


def pass_at_k(rewards: Floats, group_ids: Array, batch: Batch) -> Floats:
    """Returns R_max - R_second for the best rollout of each group and 0 for the others.

    Where two or more are best, and in a group of one, all get 0.

    Args:
        rewards: [B] float64, NaN where unscorable; such a rollout is left out of its group and gets 0.
        group_ids: [B], equal for rollouts of one prompt.
        batch: not used.
    """
    groups = scored_groups(rewards, group_ids)
    best = groups.largest(groups.rewards) == groups.rewards
    second = groups.largest(np.where(best, -np.inf, groups.rewards))  # largest of those that are not best
    alone = best & (groups.total(best.astype(float)) == 1) & np.isfinite(second)
    return groups.filled(np.where(alone, groups.rewards, 0.0) - np.where(alone, second, 0.0))


PASS_AT_K = Baseline("pass_at_k", pass_at_k, "Tang et al. 2025, arXiv:2503.19595, in verl's form")
