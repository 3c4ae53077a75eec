"""A baseline and a loss of one's own, and an entry that says which fields it needs.

    cd examples
    hicra train --config ../recipes/plan-execute/config.yaml --set baseline.name=own_parts:best_of_rest \
        --set loss.name=own_parts:reinforce --method own_parts:SURE -o /tmp/own --set train.steps=3
"""

import numpy as np

from hicra import credit


def best_of_rest(rewards, group_ids, batch):
    """R_i minus the best reward of the other rollouts of its group."""
    out = np.zeros(len(rewards))
    for group in np.unique(group_ids):
        rows = np.flatnonzero((group_ids == group) & ~np.isnan(rewards))
        for row in rows if len(rows) > 1 else ():
            out[row] = rewards[row] - rewards[rows[rows != row]].max()
    return out


def reinforce(logps, old_logps, advantages, mask, batch):
    """-A log p, without a ratio and without a clip; how it is averaged is the setting `mean` of every loss."""
    return -advantages * logps


def sure(advantages, batch, *, below: float = 0.5):
    """Keeps A where the policy was sure of its token, and sets it to 0 elsewhere."""
    return np.where(batch["response_mask"] & (batch["entropies"] < below), advantages, 0.0)


SURE = credit.Method("sure", sure, "an example", needs=("response_mask", "entropies"), selects=True)
