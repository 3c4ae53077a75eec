"""GiGPO: the advantage of the rollout, and that of each action among the actions of its group from the same state.

Feng et al. 2025, arXiv:2505.10978, for agents that act in an environment: rollouts of one task often come back to one state, and
what was done there can be compared without a value network.

What is certain: both parts, their sum with the weight omega, that an action alone in its state has 0, and `none` and `std` as
their scales, from the authors' code. Their runs use omega 1 and gamma 0.95. What is a reconstruction: how actions and returns
are found in a batch of tokens.

Deviations:
GIGPO-1. `state_ids` says for each token in which state its action was taken, -1 where it belongs to none. An action is an
    unbroken run of policy tokens of one state: tool output ends it, and so does another state. Two actions from one state need
    a token between them that is no policy token, or they count as one.
GIGPO-2. Only the reward at the end of a rollout is known. The return of an action is that reward times gamma to the power of
    the number of actions after it; rewards within an episode cannot be given.
GIGPO-3. A state is the same only if its id is the same; the authors' code can also join states whose texts are similar.
GIGPO-5. In the mean and the deviation of the episode part each rollout of the group counts once. The authors' code can do so,
    but unless it is told to, it counts a rollout once for each of its actions, so that longer ones weigh more. A rollout alone
    in its group has 0 there; in their code it has its reward.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from hicra.arrays import Array, Bools, Floats, Ints
from hicra.credit.baseline import Baseline
from hicra.credit.baselines.groups import Groups, numbered, relative, scored_groups, stretches
from hicra.credit.entry import Batch


def gigpo(
    rewards: Floats,
    group_ids: Array,
    batch: Batch,
    *,
    omega: Annotated[float, Field(ge=0)] = 1.0,
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.95,
    scale: Literal["none", "std"] = "none",
) -> Floats:
    """Returns A_episode + omega * A_step for each token, [B,T].

    A_episode is R_i - mean_g. A_step is the return of the token's action less the mean return of the actions that rollouts of
    the group took from the same state, and 0 for a token without an action or an action that is alone in its state.

    Args:
        rewards: [B] float64, NaN where unscorable; such a rollout and its actions are left out, and it gets 0.
        group_ids: [B], equal for rollouts of one prompt (task).
        batch: holds state_ids [B,T] (integers, -1 where a token belongs to no action) and response_mask [B,T].
        omega: weight of the step part.
        gamma: discount of the reward for each action between an action and the end.
        scale: "std" divides both parts by the unbiased standard deviation of what they are relative to, + 1e-6.

    Raises:
        DataError: a state id is no whole number, or below -1.
    """
    groups = scored_groups(rewards, group_ids)
    live, states = batch["response_mask"], numbered(batch["state_ids"], batch["response_mask"], "state_ids")
    episode = relative(groups.rewards, groups.number, scale)[:, None]
    return groups.filled(episode + omega * step_part(groups, live[groups.rows], states[groups.rows], gamma, scale))


def step_part(groups: Groups, live: Bools, states: Ints, gamma: float, scale: str) -> Floats:
    """Computes A_step [N,T] of the scored rollouts, as `gigpo` says."""
    acting = live & (states >= 0)
    rows, columns, action = stretches(acting, states)  # the actions, and the action that a token belongs to
    if not rows.size:
        return np.zeros(live.shape)
    after = np.cumsum(np.bincount(rows))[rows] - 1 - np.arange(len(rows))  # actions that follow in the row
    returns = gamma**after * groups.rewards[rows]
    _, state = np.unique(states[rows, columns], return_inverse=True)
    _, cell = np.unique(groups.number[rows] * (state.max() + 1) + state, return_inverse=True)
    return np.where(acting, relative(returns, cell, scale)[action], 0.0)


GIGPO = Baseline("gigpo", gigpo, "Feng et al. 2025, arXiv:2505.10978", needs=("response_mask", "state_ids"))
