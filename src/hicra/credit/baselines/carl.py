"""CARL: the advantage of an action in a rollout tree, by the values of the states that it joins.

"CARL: criticality-aware agentic reinforcement learning", 2025, arXiv:2512.04949. Rollouts fork at states whose actions matter, so
that one tree holds several actions from a state, and what came of each.

What is certain: the value of a leaf is its outcome, the value of a state the plain mean of the values of its children, and the
advantage of an action the value that it leads to less the value that it starts from, without a deviation. What is a
reconstruction: how a tree stands in a batch of tokens (CARL-1, CARL-2 in `nodes.py`). How the tree is grown, and what is left
out of the update, is no matter of this formula.
"""

from __future__ import annotations

from hicra.arrays import Array, Floats
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import scored_groups
from hicra.credit.baselines.nodes import FIELDS, tree_advantages
from hicra.credit.entry import Batch


def carl(rewards: Floats, group_ids: Array, batch: Batch) -> Floats:
    """Returns V(v) - V(u) for each token of an action from state u to state v, [B,T].

    V of an end is its reward, V of another state the mean of V over the states that its samples led to. Along a path from the
    root to an end the advantages sum to the reward less V(root). An action that is alone in its state has exactly 0.

    Args:
        rewards: [B] float64, the reward of the end that each row leads to; NaN where unscorable, and its actions then get 0.
        group_ids: [B], equal for the rows of one tree.
        batch: holds node_id and parent_id [B,T] (integers, -1 where a token belongs to no action), leaf_reward [B,T] (NaN where
            an action led to no end) and response_mask [B,T].

    Raises:
        DataError: an id is no whole number or below -1, or the ids make no tree.
    """
    return tree_advantages(scored_groups(rewards, group_ids), batch, "none")


CARL = Baseline("carl", carl, "CARL 2025, arXiv:2512.04949", needs=FIELDS)
