"""SPO: advantages of segments, longer than a token and shorter than a response, in a chain or in a tree.

Guo et al. 2025, "Segment policy optimization", arXiv:2505.23564. The chain form samples the values at the beginnings of segments,
as VinePPO does at steps. The tree form samples several segments from each state, and compares siblings.

What is certain, from the authors' code: tokens that the policy wrote with a probability of 0.9 or more are not trained on; the
value of a state of a tree is the plain mean over its children, and a segment has the value that it leads to less that mean,
either as it is or over the deviation among siblings. What is a reconstruction: how segments stand in a batch (VINE-2, CARL-1).

Deviations:
SPO-1. The authors leave tokens of 0.9 or more out of the loss. A baseline can only give them the advantage 0, so a loss that
    averages over tokens counts them.
SPO-2. The authors' code calls the plain difference of the tree "rloo". Here `none` is that difference, and `loo` is what the name
    says: G/(G-1) times it, the value less the mean of the other siblings. `std` is the unbiased deviation + 1e-6 (theirs
    adds 1e-8).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from hicra.arrays import Array, Bools, Floats
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import scored_groups
from hicra.credit.baselines.nodes import FIELDS, tree_advantages
from hicra.credit.baselines.vineppo import vineppo
from hicra.credit.entry import Batch
from hicra.strict import Share

SOURCE = "Guo et al. 2025, arXiv:2505.23564"


def spo_chain(rewards: Floats, group_ids: Array, batch: Batch, *, probability: Share = 0.9) -> Floats:
    """Returns V(next segment) - V(segment) for each unsure token of a segment, [B,T], with R after the last one.

    A token is unsure where the policy that sampled gave it less than `probability`; the others have 0.

    Args:
        rewards: [B] float64, NaN where unscorable; such a rollout gets 0.
        group_ids: [B]; groups change nothing here.
        batch: holds action_ids [B,T] (the number of the segment, -1 where a token belongs to none), values [B,T] (of the state in
            which the token's segment begins), old_logprobs [B,T] (nats) and response_mask [B,T].
        probability: a token of this probability or more has 0.

    Raises:
        DataError: as `vineppo`, whose steps are the segments.
    """
    return np.where(unsure(batch, probability), vineppo(rewards, group_ids, batch), 0.0)


def spo_tree(
    rewards: Floats,
    group_ids: Array,
    batch: Batch,
    *,
    scale: Literal["none", "std", "loo"] = "none",
    probability: Share = 0.9,
) -> Floats:
    """Returns for each unsure token of a segment the value that it leads to less the mean value of it and its siblings, [B,T].

    The value of an end is its reward, that of another state the mean over its children. `loo` gives the value less the mean of
    the other siblings, `std` divides by the deviation among siblings. Sure tokens have 0, as in `spo_chain`.

    Args:
        rewards: [B] float64, of the end or the value of the state that a row leads to; NaN where unscorable, and it gets 0.
        group_ids: [B], equal for the rows of one tree.
        batch: holds node_id and parent_id [B,T] (integers, -1 where a token belongs to no segment), leaf_reward [B,T] (NaN where
            a segment led to no end), old_logprobs [B,T] (nats) and response_mask [B,T].
        scale: what the difference is multiplied with.
        probability: a token of this probability or more has 0.

    Raises:
        DataError: an id is no whole number or below -1, or the ids make no tree.
    """
    return np.where(unsure(batch, probability), tree_advantages(scored_groups(rewards, group_ids), batch, scale), 0.0)


def unsure(batch: Batch, probability: float) -> Bools:
    """Returns the policy tokens [B,T] that were sampled with less than this probability."""
    live = batch["response_mask"]
    return np.asarray(live & (np.exp(np.where(live, batch["old_logprobs"], 0.0)) < probability))


SPO_CHAIN = Baseline("spo_chain", spo_chain, SOURCE, needs=("response_mask", "action_ids", "values", "old_logprobs"))
SPO_TREE = Baseline("spo_tree", spo_tree, SOURCE, needs=(*FIELDS, "old_logprobs"))
