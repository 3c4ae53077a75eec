"""MaxRL: the gradient of a truncated log of the success rate, from groups of right and wrong rollouts (arXiv:2602.02710).

With G rollouts it aims at J_G = -sum_{k=1..G} (1-p)^k / k, which tends to log p; G = 1 is plain reinforcement learning.

What is certain: the mean score (gradient of the log-probability) of the successes, and 0 where there is none, has the gradient
of J_G as its expectation. Less the mean score of all rollouts, whose expectation is 0, that is the advantage (R - p)/p in a group
with a success, and -1 throughout a group without one.

Deviations:
MAXRL-1. Groups in which every rollout is wrong get -1 by default, which is exact. Most trainers set them to 0; that drops the
    control variate exactly where nothing succeeds, and the expectation becomes the gradient of J_(G-1): too small by the share
    (1-p)^(G-1) / sum_{k<G} (1-p)^k, which is 9.9 % at p = 0.4 and G = 4. It can be had as `all_wrong: zero`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from hicra.arrays import Array, Floats
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import right, scored_groups
from hicra.credit.entry import Batch


def maxrl(
    rewards: Floats, group_ids: Array, batch: Batch, *, all_wrong: Literal["minus_one", "zero"] = "minus_one"
) -> Floats:
    """Returns (R_i - p) / p, where p is the success rate of the group.

    Args:
        rewards: [B] float64, each 0 or 1, NaN where unscorable; such a rollout is left out of its group and gets 0.
        group_ids: [B], equal for rollouts of one prompt.
        batch: not used.
        all_wrong: what the rollouts of a group without a success get. "minus_one" is exact; "zero" is popular and biased.

    Raises:
        DataError: a reward is neither 0 nor 1.
    """
    groups = scored_groups(rewards, group_ids)
    successes = groups.total(right(groups, "maxrl").astype(float))
    # (R - p)/p is 1/p - 1 = wrong/successes for a success and -1 for a failure
    failures = groups.size[groups.number] - successes
    made = np.where(groups.rewards == 1, failures / np.maximum(successes, 1), -1.0)
    if all_wrong == "zero":
        made[successes == 0] = 0.0
    return groups.filled(made)


MAXRL = Baseline("maxrl", maxrl, "Tajwar et al. 2026, arXiv:2602.02710", binary=True)
