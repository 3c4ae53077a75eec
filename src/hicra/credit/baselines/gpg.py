"""GPG: the mean of the group as the baseline, enlarged for rollouts that give no gradient (Chu et al. 2025, arXiv:2504.02546).

What is certain: R_i - mean_g times B over a count. What is a reconstruction: the paper's count, which is taken from descriptions
of it and not from its text. verl counts something else.

Deviations:
GPG-1. The paper's factor makes up for groups that are all right or all wrong, so by default the count is that of rollouts in
    mixed groups. verl counts the rollouts whose reward is not 0 instead, so its factor depends on what a wrong answer is worth;
    that can be had as `nonzero: rewards`. A batch without any has factor 1.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from hicra.arrays import Array, Floats
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import relative, scored_groups
from hicra.credit.entry import Batch


def gpg(
    rewards: Floats, group_ids: Array, batch: Batch, *, nonzero: Literal["mixed_groups", "rewards"] = "mixed_groups"
) -> Floats:
    """Returns B / nonzero * (R_i - mean_g), where B counts the scored rollouts of the batch.

    Args:
        rewards: [B] float64, NaN where unscorable; such a rollout is left out and gets 0.
        group_ids: [B], equal for rollouts of one prompt.
        batch: not used.
        nonzero: which rollouts are counted: those of "mixed_groups" (the paper), or those whose "rewards" are not 0 (verl).
    """
    groups = scored_groups(rewards, group_ids)
    counted = np.count_nonzero(groups.rewards if nonzero == "rewards" else ~groups.equal())
    factor = len(groups.rows) / counted if counted else 1.0
    return groups.filled(factor * relative(groups.rewards, groups.number))


GPG = Baseline("gpg", gpg, "Chu et al. 2025, arXiv:2504.02546")
