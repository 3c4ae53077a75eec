"""VinePPO: the advantage of a reasoning step, by values that fresh continuations gave.

Kazemnejad et al. 2024, arXiv:2410.01679: the value of the state before a step is the mean outcome of K rollouts from it, in place
of a critic's guess.

What is certain: A = V(next state) - V(state) for all tokens of a step, and the reward itself in place of a value at the end; no
discount, and no lambda below 1. What is a reconstruction: how steps and values stand in a batch.

Deviations:
VINE-1. The authors add a penalty of the divergence from a reference model to the rewards; here that is left to the loss.
VINE-2. A step is a run of policy tokens with one `action_ids`; what the environment wrote between two of its tokens does not end
    it. A token with the id -1 belongs to no step and has 0.
"""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array, Bools, Floats, Ints
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import numbered, scored_groups
from hicra.credit.entry import Batch
from hicra.errors import DataError


def vineppo(rewards: Floats, group_ids: Array, batch: Batch) -> Floats:
    """Returns V(next step) - V(step) for each token of a step, and R - V(step) for those of the last, [B,T].

    Over the steps of a rollout the advantages sum to R - V(first step).

    Args:
        rewards: [B] float64, NaN where unscorable; such a rollout gets 0.
        group_ids: [B]; groups change nothing here.
        batch: holds action_ids [B,T] (integers, -1 where a token belongs to no step), values [B,T] (of the state in which the
            token's step begins) and response_mask [B,T].

    Raises:
        DataError: an action id is no whole number or below -1, a token of a step has no finite value, or two of one step differ.
    """
    groups = scored_groups(rewards, group_ids)
    live = batch["response_mask"]
    actions = numbered(batch["action_ids"], live, "action_ids")
    rows = groups.rows
    return groups.filled(step_advantages(groups.rewards, live[rows], actions[rows], batch["values"][rows], rows))


def step_advantages(rewards: Floats, live: Bools, actions: Ints, values: Array, names: Ints) -> Floats:
    """Computes the advantages [N,T] of the steps of N scored rollouts, as `vineppo` says; `names` are their rows in the batch."""
    acting = live & (actions >= 0)
    places = np.flatnonzero(acting)  # the tokens of steps, row by row
    own, value = actions.ravel()[places], np.asarray(values, np.float64).ravel()[places]
    finite = np.isfinite(value)
    if not finite.all():
        row, token = divmod(int(places[~finite][0]), live.shape[1])
        raise DataError(
            f"values[{names[row]}, {token}] is {value[~finite][0]} "
            f"({np.count_nonzero(~finite)} tokens of steps have no finite value)",
            "give the value of the state in which the token's step begins, or None as the reward of that rollout",
        )
    begins = np.ones(len(places), np.bool_)
    begins[1:] = own[1:] != own[:-1]
    rows = np.cumsum(np.count_nonzero(acting, axis=1))  # where the tokens of the next row begin
    begins[rows[rows < len(places)]] = True
    first, step = np.flatnonzero(begins), np.cumsum(begins) - 1
    start = value[first]
    differ = value != start[step]
    if differ.any():
        row, token = divmod(int(places[differ][0]), live.shape[1])
        raise DataError(
            f"values[{names[row]}, {token}] is {value[differ][0]}, and its step {own[differ][0]} begins with "
            f"{start[step][differ][0]}",
            "give all tokens of a step the value of the state in which it begins",
        )
    row = places[first] // max(live.shape[1], 1)
    after = np.append(start[1:], 0.0)[: len(first)]
    last = np.append(row[1:] != row[:-1], True)[: len(first)]
    after[last] = rewards[row[last]]
    out = np.zeros(live.size)
    out[places] = (after - start)[step]
    return out.reshape(live.shape)


VINEPPO = Baseline(
    "vineppo", vineppo, "Kazemnejad et al. 2024, arXiv:2410.01679", needs=("response_mask", "action_ids", "values")
)
