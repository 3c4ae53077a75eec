"""lambda-GRPO: tokens that rollouts of a group have in common share one vote (Sullivan and Koller 2026, arXiv:2509.21154).

A process set is the set of rollouts of a group that agree up to and including a token. GRPO counts such a token once for each of
them, so that a common beginning weighs as much as it is often; lambda-GRPO divides by the size of the set.

What is certain: the set, and the division by its size, from the paper's definition. What is a reconstruction: the forms below.

Deviations:
LAMBDA-1. The paper weights each token's loss, KL term included. Here the advantage is divided, so a KL term of the loss is not.
    `scale` is `none` by default, so that the method differs from `dr_grpo` by the sets alone; the paper's advantages have `std`.
LAMBDA-2. Rollouts are compared position by position, by the ids of their policy tokens. A position that only one of two
    rollouts has, or that one of them did not produce, parts them; the text of tool output is not compared.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from hicra.arrays import Array, Bools, Floats, Ints
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import relative, scored_groups
from hicra.credit.entry import Batch


def lambda_grpo(rewards: Floats, group_ids: Array, batch: Batch, *, scale: Literal["none", "std"] = "none") -> Floats:
    """Returns A_i / |process set| for each token, [B,T].

    Args:
        rewards: [B] float64, NaN where unscorable; such a rollout is left out of its group and of the sets, and gets 0.
        group_ids: [B], equal for rollouts of one prompt.
        batch: holds response_ids and response_mask [B,T].
        scale: A_i is R_i - mean_g with "none"; "std" divides that by the unbiased standard deviation + 1e-6.
    """
    groups = scored_groups(rewards, group_ids)
    advantages = relative(groups.rewards, groups.number, scale)
    sets = process_set_sizes(batch["response_ids"][groups.rows], batch["response_mask"][groups.rows], groups.number)
    return groups.filled(advantages[:, None] / sets)


def process_set_sizes(ids: Array, live: Bools, number: Ints) -> Ints:
    """Counts the rollouts of a group that agree with a rollout up to and including each token.

    Rows that share a beginning stand side by side once the rows of a group are sorted, so it is enough to compare neighbours: the
    cost is O(B T), and O(B log B) comparisons of rows.

    Args:
        ids: [N,T] token ids.
        live: [N,T] policy tokens; the ids of others are not looked at.
        number: [N] number of the group of each.

    Returns:
        [N,T], at least 1.
    """
    sizes = np.ones(ids.shape, np.int64)
    if len(ids) < 2 or not ids.shape[1]:
        return sizes
    keys = np.ascontiguousarray(np.where(live, ids.astype(np.int64), -1))
    order = sorted(range(len(keys)), key=lambda row: (number[row], keys[row].tobytes()))
    keys, number = keys[order], number[order]
    agree = (keys[1:] == keys[:-1]) & (number[1:] == number[:-1])[:, None]
    agree = np.logical_and.accumulate(agree, axis=1)  # [N-1,T]: like the row above, up to and including this token
    width = int(agree.any(axis=0).sum())  # from there on nobody agrees with anybody
    starts = np.ones((len(keys), width), bool)
    starts[1:] = ~agree[:, :width]
    label = np.cumsum(starts, axis=0) - 1 + len(keys) * np.arange(width)  # a set has one number within its column
    counts = np.bincount(label.ravel(), minlength=len(keys) * width)
    sizes[order, :width] = counts[label]
    return sizes


LAMBDA_GRPO = Baseline(
    "lambda_grpo", lambda_grpo, "Sullivan and Koller 2026, arXiv:2509.21154", needs=("response_ids", "response_mask")
)
