"""The trees of a batch, as the formulas of trees need them: sampled actions, and the values of the states that they join.

A rollout tree has states as nodes and actions as edges. Each token says by `parent_id` in which state its action was taken and
by `node_id` to which state it led; `leaf_reward` stands on the action that ended an episode. The tokens of an action in a row
are one sample of it, whatever the environment wrote between them. Two samples may lead to one state, where they wrote the same;
both count.

Deviations:
CARL-1. A node id may leave out states with one child: they have the value of that child. So actions that are no policy tokens,
    because their state has one child alone, may be missing from the batch.
CARL-2. The value of a state is the mean over the samples from it that led to a value. An action below which no end was scored
    has none, counts in no mean, and has the advantage 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hicra.arrays import Array, Bools, Floats, Ints
from hicra.credit.baselines.groups import Groups, numbered, relative
from hicra.credit.entry import Batch
from hicra.errors import DataError

FIELDS = ("response_mask", "node_id", "parent_id", "leaf_reward")


@dataclass(frozen=True)
class Samples:
    """The S sampled actions of the trees of a batch.

    Attributes:
        of_token: [N,T] number of the sample that a token belongs to, -1 where it belongs to none.
        source: [S] number of the state that it was taken in.
        value: [S] value of the state that it led to, NaN where none is known.
    """

    of_token: Ints
    source: Ints
    value: Floats

    def advantages(self, scale: str) -> Floats:
        """Returns for each token, [N,T], the value that its action led to less the mean over the samples of its state.

        A token without a sample, or whose sample led to no value, has 0.

        Args:
            scale: as in `relative`, among the samples from one state.
        """
        known = np.flatnonzero(~np.isnan(self.value))
        of_sample = np.zeros(len(self.value) + 1)  # the last one serves tokens without a sample
        of_sample[known] = relative(self.value[known], self.source[known], scale)
        return np.asarray(of_sample[self.of_token])


def tree_advantages(groups: Groups, batch: Batch, scale: str) -> Floats:
    """Returns the advantages of the actions of a batch for each token, [B,T]: 0 at rollouts without a reward.

    Args:
        groups: those of the batch; each is a tree, whose ids mean nothing in another group.
        batch: holds FIELDS.
        scale: as in `relative`, among the samples from one state.

    Raises:
        DataError: as `samples_of`.
    """
    rows = groups.rows
    live = batch["response_mask"]
    node, parent = (numbered(batch[name], live, name)[rows] for name in ("node_id", "parent_id"))
    samples = samples_of(groups.number, live[rows], node, parent, batch["leaf_reward"][rows])
    return groups.filled(samples.advantages(scale))


def samples_of(number: Ints, live: Bools, node: Ints, parent: Ints, leaf_reward: Array) -> Samples:
    """Finds the sampled actions of N rollouts and the values of their states.

    Args:
        number: [N] number of the tree of each rollout.
        live: [N,T] the policy tokens.
        node, parent: [N,T] where an action leads, and where it was taken; -1 where a token belongs to none.
        leaf_reward: [N,T] reward of the end that an action leads to, NaN where it leads to none.

    Raises:
        DataError: a state is reached from two states, from itself over others, with two rewards, or is an end with children.
    """
    acting = live & (node >= 0)
    places = np.flatnonzero(acting)
    rows, to = places // acting.shape[1], node.ravel()[places]
    begins = np.ones(len(rows), np.bool_)
    begins[1:] = (rows[1:] != rows[:-1]) | (to[1:] != to[:-1])
    rows, columns = rows[begins], places[begins] % acting.shape[1]
    count = len(rows)
    _, dense = np.unique(np.concatenate([to[begins], parent[rows, columns]]), return_inverse=True)
    state = number[np.concatenate([rows, rows])] * (2 * count) + dense  # ids of two trees are two states
    reached, first, edge = np.unique(state[:count], return_index=True, return_inverse=True)
    left, leaf = state[count:], np.asarray(leaf_reward[rows, columns], np.float64)
    _refuse_two(edge, left[first], left, parent[rows, columns], node[rows, columns], "parent_id")
    _refuse_two(edge, leaf[first], leaf, leaf, node[rows, columns], "leaf_reward")
    states, source = np.unique(left[first], return_inverse=True)
    into = _place(states, reached)  # the state of `states` that an action leads to, -1 for one without children
    above = _place(reached, states[source])  # the action that leads to the state that an action starts in
    name = node[rows, columns][first]
    if (ends := np.flatnonzero(~np.isnan(leaf[first]) & (into >= 0))).size:
        raise DataError(
            f"node {name[ends[0]]} has a leaf_reward and is the parent of another action",
            "give leaf_reward on the action alone that ends an episode, and NaN elsewhere",
        )
    times = np.bincount(edge, minlength=len(reached)).astype(np.float64)
    value = _values(leaf[first], times, source, into, _depths(above, name), len(states))
    of_token = np.full(live.size, -1)
    of_token[places] = np.cumsum(begins) - 1
    return Samples(of_token.reshape(live.shape), source[edge], value[edge])


def _values(leaf: Floats, times: Floats, source: Ints, into: Ints, depth: Ints, states: int) -> Floats:
    """Returns the value of the state that each action leads to: its reward, or the mean over the samples there, from below."""
    value = leaf.copy()
    total, known = np.zeros(states), np.zeros(states)
    order = np.argsort(-depth, kind="stable")
    for here in np.split(order, np.flatnonzero(np.diff(depth[order])) + 1):
        inner = here[into[here] >= 0]
        of = into[inner]
        value[inner] = np.where(known[of] > 0, total[of] / np.maximum(known[of], 1), np.nan)
        counted = here[~np.isnan(value[here])]
        np.add.at(total, source[counted], times[counted] * value[counted])
        np.add.at(known, source[counted], times[counted])
    return value


def _depths(above: Ints, name: Ints) -> Ints:
    """Returns the number of actions above each action; `above` names the next one, -1 where there is none."""
    depth, up = (above >= 0).astype(np.int64), above.copy()
    for _ in range(len(above).bit_length() + 1):  # each round looks twice as far
        rises = up >= 0
        if not rises.any():
            return depth
        depth[rises] += depth[up[rises]]
        up[rises] = up[up[rises]]
    raise DataError(
        f"node {name[np.flatnonzero(up >= 0)[0]]} comes after itself by its parent_id",
        "give every state a number of its own within its group",
    )


def _place(of: Ints, wanted: Ints) -> Ints:
    """Returns where each wanted number stands in sorted numbers, -1 where it does not."""
    found = np.minimum(np.searchsorted(of, wanted), max(len(of) - 1, 0))
    return np.where(of[found] == wanted, found, -1) if len(of) else np.full(len(wanted), -1)


def _refuse_two(edge: Ints, expected: Array, found: Array, shown: Array, node: Ints, field: str) -> None:
    """Raises DataError where actions that lead to one node differ in a field."""
    wanted = expected[edge]
    wrong = np.flatnonzero((found != wanted) & ~((found != found) & (wanted != wanted)))  # two NaN do not differ
    if wrong.size:
        raise DataError(
            f"{field}: two actions lead to node {node[wrong[0]]} and differ in it; one has {shown[wrong[0]]}",
            "give every state a number of its own within its group",
        )
