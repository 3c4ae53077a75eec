"""HiMAC: advantages inside groups of one level, so that blueprints and executions are never compared (2026, arXiv:2603.00977).

The policy writes blueprints of a task and plays episodes along one of them. A blueprint is worth more or less than the other
blueprints of its task, an execution than the other executions of its blueprint.

What is certain: the mean and the standard deviation of each level's own group, from descriptions of the paper. What is a
reconstruction: that an episode counts once however many rows it has.

Deviations:
HIMAC-8. `level_ids` says for each token whether it belongs to a blueprint (1) or to its execution (0, and 2 for thoughts), -1
    where it belongs to neither; such a token gets 0. Tokens of one group and of different levels are apart, whether in one row
    or not.
HIMAC-9. `episode_ids` says for each token which episode it belongs to. An episode that is cut into several rows counts once in
    the mean and in the deviation.
HIMAC-10. The standard deviation is the unbiased one + 1e-6, as that of `grpo`. `loo` is the reward less the mean of the others,
    whose gradient has the right expectation.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from hicra.arrays import Array, Floats
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import numbered, relative, scored_groups, stretches
from hicra.credit.entry import Batch
from hicra.errors import DataError

PLAN = 1  # of level_ids: a blueprint


def himac(rewards: Floats, group_ids: Array, batch: Batch, *, scale: Literal["std", "none", "loo"] = "std") -> Floats:
    """Returns the reward of each token's episode relative to the episodes of the same group and level, [B,T].

    Args:
        rewards: [B] float64, NaN where unscorable; such a row is left out and gets 0.
        group_ids: [B], equal for blueprints of one task, and for executions of one blueprint.
        batch: holds response_mask, level_ids and episode_ids, [B,T].
        scale: R - mean with "none"; "std" divides that by the unbiased standard deviation + 1e-6; "loo" is R less the mean of
            the others.

    Raises:
        DataError: an id is no whole number or below -1, or rows of one episode have different rewards.
    """
    groups = scored_groups(rewards, group_ids)
    live = batch["response_mask"]
    levels, episodes = (numbered(batch[name], live, name)[groups.rows] for name in ("level_ids", "episode_ids"))
    acting = live[groups.rows] & (levels >= 0)
    plans = (levels == PLAN).astype(np.int64)
    rows, columns, stretch = stretches(acting, plans, episodes)
    if not rows.size:
        return groups.filled(np.zeros(levels.shape))
    named, number = np.unique(episodes[rows, columns], return_inverse=True)
    cells = 2 * groups.number[rows] + plans[rows, columns]  # one for each group and level
    keys, episode = np.unique(cells * len(named) + number, return_inverse=True)
    reward = np.zeros(len(keys))
    reward[episode] = groups.rewards[rows]
    if (differs := reward[episode] != groups.rewards[rows]).any():
        here = np.flatnonzero(differs)[0]
        raise DataError(
            f"row {groups.rows[rows[here]]} has the reward {groups.rewards[rows[here]]}, and another row of its episode "
            f"{episodes[rows[here], columns[here]]} has {reward[episode[here]]}",
            "give every row of an episode its reward, and every episode a number of its own in episode_ids",
        )
    _, cell = np.unique(keys // len(named), return_inverse=True)
    return groups.filled(np.where(acting, relative(reward, cell, scale)[episode[stretch]], 0.0))


HIMAC = Baseline(
    "himac", himac, "arXiv:2603.00977 (2026), from descriptions", needs=("response_mask", "level_ids", "episode_ids")
)
