"""OPO: the mean of the group, weighted by length, as the baseline (Hao et al. 2025, arXiv:2505.23585).

What is certain: the formula, which stands in the paper and in verl. It has the least variance where the squared norm of a
rollout's gradient grows with its length.

Deviations:
OPO-1. The paper trains strictly on policy, one optimiser step a generation; a baseline cannot ask for that. Set the number of
    inner steps of the engine to 1 to follow it.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array, Floats
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import scored_groups
from hicra.credit.entry import Batch


def opo(rewards: Floats, group_ids: Array, batch: Batch) -> Floats:
    """Returns R_i - sum_j l_j R_j / sum_j l_j over the group, where l is the number of policy tokens.

    A group of one rollout, of equal rewards, or without policy tokens gets exactly 0.

    Args:
        rewards: [B] float64, NaN where unscorable; such a rollout is left out of its group and gets 0.
        group_ids: [B], equal for rollouts of one prompt.
        batch: holds response_mask [B,T].
    """
    groups = scored_groups(rewards, group_ids)
    lengths = batch["response_mask"][groups.rows].sum(axis=1)
    tokens = groups.total(lengths)
    made = groups.rewards - groups.total(lengths * groups.rewards) / np.maximum(tokens, 1)
    made[groups.equal() | (tokens == 0)] = 0.0  # a weighted mean of equal rewards may be off by a rounding
    return groups.filled(made)


OPO = Baseline("opo", opo, "Hao et al. 2025, arXiv:2505.23585", needs=("response_mask",))
