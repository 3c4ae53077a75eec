"""REINFORCE++: the reward, or the reward less the mean of its group, whitened over the whole batch (Hu et al., arXiv:2501.03262).

What is certain: both forms, with the mean and the deviation of the whole batch, stand in the paper and in verl. Which tokens are
counted, and which deviation, is read from verl's code.

Deviations:
REINFORCE-1. The authors take the KL penalty of each token out of the reward, so that the return differs from token to token. Here
    KL comes in by the loss, the discount is 1, and the return of every token is the reward of its rollout.
REINFORCE-2. Whitening runs over the policy tokens of the scored rollouts, as verl's does, so a long rollout counts for more. It
    divides by the unbiased standard deviation + 1e-6. Where all tokens have one value the advantages are 0.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array, Floats, Ints
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import EPSILON, relative, scored_groups
from hicra.credit.entry import Batch


def whitened(values: Floats, lengths: Ints) -> Floats:
    """Returns (x - mean) / (deviation + 1e-6) over all policy tokens, where each token has the value of its rollout.

    Args:
        values: [N] float64, one value a rollout.
        lengths: [N] number of policy tokens; a rollout without any gets 0.

    Returns:
        [N] float64; over tokens the mean is 0 and the unbiased deviation 1 (less about 1e-6 over the deviation).
    """
    tokens, seen = lengths.sum(), values[lengths > 0]
    if not seen.size or (seen == seen[0]).all():
        return np.zeros(len(values))
    centred = np.where(lengths > 0, values - (lengths * values).sum() / tokens, 0.0)
    deviation = np.sqrt((lengths * centred**2).sum() / (tokens - 1))
    return np.asarray(centred / (deviation + EPSILON))


def reinforce_pp(rewards: Floats, group_ids: Array, batch: Batch) -> Floats:
    """Returns the rewards whitened over the policy tokens of the batch; groups are not looked at (REINFORCE++).

    Args:
        rewards: [B] float64, NaN where unscorable; such a rollout is left out and gets 0.
        group_ids: [B], not used.
        batch: holds response_mask [B,T].
    """
    groups = scored_groups(rewards, group_ids)
    return groups.filled(whitened(groups.rewards, batch["response_mask"][groups.rows].sum(axis=1)))


def reinforce_pp_baseline(rewards: Floats, group_ids: Array, batch: Batch) -> Floats:
    """Returns R_i - mean_g, whitened over the policy tokens of the batch (REINFORCE++ with a baseline).

    Whitening takes the mean of the batch away again. Where lengths differ that mean is not 0, so a group of equal rewards, or of
    one rollout, gets a small common push and not 0.

    Args:
        rewards: [B] float64, NaN where unscorable; such a rollout is left out and gets 0.
        group_ids: [B], equal for rollouts of one prompt.
        batch: holds response_mask [B,T].
    """
    groups = scored_groups(rewards, group_ids)
    centred = relative(groups.rewards, groups.number)
    return groups.filled(whitened(centred, batch["response_mask"][groups.rows].sum(axis=1)))


REINFORCE_PP = Baseline("reinforce_pp", reinforce_pp, "Hu et al. 2025, arXiv:2501.03262", needs=("response_mask",))
REINFORCE_PP_BASELINE = Baseline(
    "reinforce_pp_baseline", reinforce_pp_baseline, "Hu et al. 2025, arXiv:2501.03262", needs=("response_mask",)
)
