"""GTPO and GRPO-S: rewards shared out by entropy, among right and among wrong rollouts apart (Tan et al., arXiv:2508.04349).

Both build their advantage from rewards, so they stand among the baselines here and not among the shapers. In a right rollout an
uncertain token (GTPO) or response (GRPO-S) earns more; in a wrong one a certain token or response loses more.

What is certain: the shaped rewards, the split by outcome and the separate normalisation, from the published formulas. What is a
reconstruction: that the sets are those of one group, and what is done where an entropy is 0.

Note what the separate normalisation does: w_outcome cancels, w_entropy cancels but for the 1e-6, and right and wrong tokens both
have the mean 0. So a right token of low entropy is pushed down; whether an answer was right only says which way entropy counts.

Deviations:
GTPO-1. Shares are taken, and advantages normalised, within the group of one prompt, as GRPO's are; normalising divides by the
    unbiased standard deviation + 1e-6 and gives exactly 0 where all shaped rewards are equal.
GTPO-2. Entropies count as H + 1e-6 nats, so that 1/H is defined and tokens whose entropies are all 0 share equally.
GTPO-3. Position t counts every token of the response, tool output too. A rollout is alive at t where it has a policy token.
GTPO-4. GRPO-S leaves out rollouts without policy tokens, as they have no mean entropy. Its probability ratio of whole
    responses belongs to the loss, which is chosen apart.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from hicra.arrays import Array, Bools, Floats, Ints
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import EPSILON, Groups, relative, right, scored_groups
from hicra.credit.entry import Batch

Weight = Annotated[float, Field(ge=0)]


def gtpo(
    rewards: Floats, group_ids: Array, batch: Batch, *, w_outcome: Weight = 1.0, w_entropy: Weight = 0.1
) -> Floats:
    """Returns the shaped rewards of GTPO, normalised over all right and over all wrong tokens of the group, [B,T].

    A right token has w_outcome + w_entropy d_t H_it / sum_k H_kt, where k runs over the d_t right rollouts of the group that are
    alive at t. A wrong one has -w_outcome - w_entropy h_t (1/H_jt) / sum_k (1/H_kt), over the h_t wrong ones alive at t.

    Args:
        rewards: [B] float64, each 0 or 1, NaN where unscorable; such a rollout is left out of its group and gets 0.
        group_ids: [B], equal for rollouts of one prompt.
        batch: holds entropies [B,T] in nats and response_mask [B,T].
        w_outcome: weight of the outcome (alpha_1 of the paper), at least 0.
        w_entropy: weight of the share by entropy (alpha_2 of the paper), at least 0.

    Raises:
        DataError: a reward is neither 0 nor 1, or an entropy is negative.
    """
    groups = scored_groups(rewards, group_ids)
    good, live = right(groups, "gtpo"), batch["response_mask"][groups.rows]
    entropies = nonnegative_entropies(batch)[groups.rows]
    cell = cells(groups, good)
    shaped = shaped_rewards(entropies, live, cell, good, w_outcome, w_entropy)
    made = np.zeros(live.shape)
    for rows in rows_of(cell):
        made[rows] = normalised(shaped[rows], live[rows])
    return groups.filled(made)


def grpo_s(
    rewards: Floats, group_ids: Array, batch: Batch, *, w_outcome: Weight = 1.0, w_entropy: Weight = 0.1
) -> Floats:
    """Returns the shaped rewards of GRPO-S, normalised over the right and over the wrong rollouts of the group, [B].

    A right rollout has w_outcome + w_entropy n Hbar_i / sum_k Hbar_k, where Hbar is the mean entropy of its policy tokens and k
    runs over the n right ones of the group. A wrong one has -w_outcome - w_entropy m (1/Hbar_j) / sum_k (1/Hbar_k), over the m
    wrong ones.

    Args:
        rewards: [B] float64, each 0 or 1, NaN where unscorable; such a rollout is left out of its group and gets 0.
        group_ids: [B], equal for rollouts of one prompt.
        batch: holds entropies [B,T] in nats and response_mask [B,T].
        w_outcome: weight of the outcome (beta_1 of the paper), at least 0.
        w_entropy: weight of the share by entropy (beta_2 of the paper), at least 0.

    Raises:
        DataError: a reward is neither 0 nor 1, or an entropy is negative.
    """
    lengths = batch["response_mask"].sum(axis=1)
    groups = scored_groups(np.where(lengths > 0, rewards, np.nan), group_ids)
    good = right(groups, "grpo_s")
    mean = nonnegative_entropies(batch)[groups.rows].sum(axis=1) / lengths[groups.rows]
    cell = cells(groups, good)
    shaped = shaped_rewards(mean[:, None], np.ones((len(mean), 1), bool), cell, good, w_outcome, w_entropy)[:, 0]
    return groups.filled(relative(shaped, cell, "std"))


def shaped_rewards(
    entropies: Floats, live: Bools, cell: Ints, good: Bools, w_outcome: float, w_entropy: float
) -> Floats:
    """Shares the rewards of a position out among the rollouts of a cell.

    The rewards of a cell at a position sum to (w_outcome + w_entropy) times the number alive, or to its negative.

    Args:
        entropies: [N,T] in nats.
        live: [N,T] where a rollout is alive.
        cell: [N] equal for the right rollouts of a group, and for its wrong ones.
        good: [N] whether a rollout is right.

    Returns:
        [N,T], 0 where not alive.
    """
    shaped = np.zeros(live.shape)
    for rows in rows_of(cell):  # a cell at a time: its arrays stay in the processor's cache
        own, right_ones = live[rows], good[rows[0]]
        weight = entropies[rows] + EPSILON
        weight = np.where(own, weight if right_ones else 1 / weight, 0.0)
        alive, total = own.sum(axis=0), weight.sum(axis=0)
        value = w_outcome + weight * (w_entropy * alive / np.where(alive > 0, total, 1.0))
        shaped[rows] = np.where(own, value if right_ones else -value, 0.0)
    return shaped


def normalised(values: Floats, live: Bools) -> Floats:
    """Returns (v - mean) / (std + 1e-6) of the live ones of values [N,T] and 0 elsewhere; 0 where they are all equal."""
    own, out = values[live], np.zeros(values.shape)
    if own.size and own.min() < own.max():
        out[live] = (own - own.mean()) / (own.std(ddof=1) + EPSILON)
    return out


def rows_of(cell: Ints) -> list[Ints]:
    """Lists the rows [N] of each cell."""
    order = np.argsort(cell, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(cell[order])) + 1) if len(cell) else []


def cells(groups: Groups, good: Bools) -> Ints:
    """Numbers the right rollouts of each group and its wrong ones, [N] from 0."""
    return np.asarray(np.unique(2 * groups.number + good, return_inverse=True)[1])


def nonnegative_entropies(batch: Batch) -> Floats:
    """Returns the entropies [B,T] of policy tokens and 0 elsewhere; one that rounding made negative counts as 0."""
    entropies = np.where(batch["response_mask"], batch["entropies"], 0.0)
    return np.maximum(entropies, 0.0, dtype=np.float64)


SOURCE = "Tan et al. 2026, arXiv:2508.04349"
GTPO = Baseline("gtpo", gtpo, SOURCE, needs=("response_mask", "entropies"), binary=True)
GRPO_S = Baseline("grpo_s", grpo_s, SOURCE, needs=("response_mask", "entropies"), binary=True)
