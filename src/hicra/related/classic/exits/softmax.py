"""The exact policy gradient of GRPO and HICRA for a softmax policy in a table, split into planning and execution.

Exits are the planning tokens of an MDP: an episode is a rollout, its actions are tokens, and a token plans where state and action
are an exit. Its return R is 0 or 1 (EXITS-1), A = R - mean of the group, and HICRA adds alpha |A| where m = 1. Summed over the
actions of an episode, and in expectation over groups of G,

    E[sum_t m A grad log pi]   = (G - 1) / G (C - p B)
    E[sum_t m |A| grad log pi] = (G - 1) / G ((1 - 2p) C + p B)

with p the chance of success, B = E[sum_t m grad log pi] and C = E[R sum_t m grad log pi]; each is a sum over steps, states and
actions by dynamic programming. (A rollout with R = 1 has |A| = 1 less the group's share of successes, on average
(G - 1) / G (1 - p); one with R = 0 has on average (G - 1) / G p.) With m = 1 everywhere the first is (G - 1) / G times the
gradient of p.

Deviations (no publication has HICRA in an MDP):
EXITS-12. The gradient is the sum over the actions of an episode, and not their mean: episodes end when they succeed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hicra.arrays import Array, Bools, Floats
from hicra.errors import ConfigError, DataError
from hicra.related.classic.exits.mdp import TabularMDP


@dataclass(frozen=True)
class ExactGradients:
    """Expected gradients of one group, each [S,A], over the logits.

    Attributes:
        planning, execution: of A on tokens of each kind; their sum is GRPO's.
        bonus: of |A| on planning tokens, which HICRA adds alpha times.
        success: p.
        planning_tokens, tokens: expected number of planning tokens, and of all, of an episode.
    """

    planning: Floats
    execution: Floats
    bonus: Floats
    success: float
    planning_tokens: float
    tokens: float

    def hicra(self, alpha: float) -> Floats:
        """Returns the expected gradient of HICRA; that of GRPO where alpha is 0."""
        return self.planning + self.execution + alpha * self.bonus

    def signal(self) -> dict[str, float]:
        """Returns the signal of each kind, the squared length of its expected gradient, and the share of planning."""
        planning, execution = float((self.planning**2).sum()), float((self.execution**2).sum())
        total = planning + execution
        return {
            "planning": planning,
            "execution": execution,
            "share": planning / total if total > 0 else float("nan"),
        }


def softmax(logits: Array) -> Floats:
    """Returns the policy [S,A] of logits [S,A]."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances: Floats = raised / raised.sum(axis=1, keepdims=True)
    return chances


def exact_gradients(task: TabularMDP, logits: Array, planning: Bools, group: int | None = None) -> ExactGradients:
    """Computes the expected gradients by dynamic programming.

    Args:
        task: of S states and A actions.
        logits: [S,A] of the policy, the same at every step.
        planning: [S,A] bool, the state-actions that plan: exits, or any others.
        group: G, the episodes of a group, from 2; None is the limit of large groups.

    Raises:
        DataError: shapes do not fit the task, or a logit is not finite.
        ConfigError: a group has fewer than 2 episodes.
    """
    shape = (task.states, task.actions)
    if np.shape(logits) != shape or planning.shape != shape or not np.isfinite(logits).all():
        raise DataError(
            f"logits {np.shape(logits)} and a planning mask {planning.shape} for a task of {shape}",
            "give both as [S,A], logits finite",
        )
    if group is not None and group < 2:
        raise ConfigError(f"a group of {group}", "an advantage compares two episodes or more")
    policy = softmax(logits)
    worth = np.zeros((task.horizon, *shape))  # chance of success from a step, a state and its action on
    values = np.zeros(task.states)
    for step in reversed(range(task.horizon)):
        worth[step] = task.kernel @ task.after(values)
        values = (policy * worth[step]).sum(axis=1)
    success = float(values[task.start])
    there = np.zeros(task.states)
    there[task.start] = 1.0
    uses, won = np.zeros(shape), np.zeros(shape)  # expected number of times, and of times in episodes that succeed
    for step in range(task.horizon):
        taken = there[:, None] * policy
        uses, won = uses + taken, won + taken * worth[step]
        there = np.where(task.goals, 0.0, np.einsum("sa,sat->t", taken, task.kernel))
    plain = {kind: _scored(uses * mask, policy) for kind, mask in (("planning", planning), ("execution", ~planning))}
    paid = {kind: _scored(won * mask, policy) for kind, mask in (("planning", planning), ("execution", ~planning))}
    share = 1.0 if group is None else (group - 1) / group
    return ExactGradients(
        share * (paid["planning"] - success * plain["planning"]),
        share * (paid["execution"] - success * plain["execution"]),
        share * ((1 - 2 * success) * paid["planning"] + success * plain["planning"]),
        success,
        float((uses * planning).sum()),
        float(uses.sum()),
    )


def _scored(weights: Floats, policy: Floats) -> Floats:
    """Returns sum over actions a of weights[s,a] grad log pi(a | s), [S,A]: the gradient of log pi is the unit of a less pi."""
    scored: Floats = weights - weights.sum(axis=1, keepdims=True) * policy
    return scored


def ascend(task: TabularMDP, logits: Array, planning: Bools, steps: int, rate: float, alpha: float = 0.0) -> Floats:
    """Follows the expected gradient of GRPO (alpha 0) or HICRA, without any chance, and returns the logits after it.

    Args:
        task, logits, planning: as of `exact_gradients`; the logits are left as they are.
        steps: of gradient ascent.
        rate: factor of each step.
        alpha: of HICRA.
    """
    moved = np.array(logits, np.float64)
    for _ in range(steps):
        moved += rate * exact_gradients(task, moved, planning).hicra(alpha)
    return moved
