"""A tree of rollouts: its values, its edge advantages, and its sampled actions as rows of a batch.

A state is a prefix: all that was read and written. Where two samples write the same, a tree that joins leads them to one state,
and each of them counts in the mean of a value as in the loss. That happens where actions are short and the policy is sure, and
hardly ever with actions of many tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from hicra.arrays import Floats
from hicra.related.rollouts import Row
from hicra.related.system import Codec, Generated
from hicra.related.trees.walk import Move, Spot, flags_of

Update = Literal["selected", "all"]


@dataclass
class Node:
    """A state, and the action that leads to it.

    Attributes:
        parent: number of the state where the action was taken; -1 at the root.
        moves: what was written; several moves where a segment holds several actions.
        spot: where one can go on from.
        outcome: sum of the rewards of the episode if it has ended here, else NaN.
        children: where each sample from here led, in the order of sampling; a number stands there as often as it was sampled.
    """

    parent: int
    moves: Sequence[Move]
    spot: Spot
    outcome: float = float("nan")
    children: list[int] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether the episode has ended here."""
        return bool(self.moves) and self.moves[-1].done


class Tree:
    """The states of one episode that were visited.

    Args:
        root: where the episode begins.
        join: whether samples that write the same lead to one state; else each leads to a state of its own.

    Attributes:
        nodes: in the order of their first visits, the root first.
        branches: for each path that was added, the numbers of its nodes from above to below; each path is a row of the batch.
    """

    def __init__(self, root: Spot, join: bool) -> None:
        self.nodes = [Node(-1, (), root)]
        self.branches: list[list[int]] = []
        self._join = join
        self._known: dict[tuple[int, tuple[int, ...]], int] = {}  # a state by the one above and what was written there

    def add(self, source: int, path: Sequence[Sequence[Move]]) -> list[int]:
        """Adds a sampled path below a state, and returns the numbers of its nodes, new and known."""
        branch = []
        for moves in path:
            last, wrote = moves[-1], tuple(one for move in moves for one in move.wrote.ids)
            number = self._known.get((source, wrote), len(self.nodes)) if self._join else len(self.nodes)
            if number == len(self.nodes):
                self._known[source, wrote] = number
                self.nodes.append(Node(source, moves, last.end, last.end.reward if last.done else float("nan")))
            self.nodes[source].children.append(number)
            branch.append(number)
            source = number
        self.branches.append(branch)
        return branch

    def values(self) -> Floats:
        """Returns the value of each node, [N]: the outcome of an end, else the mean of the children's values, sample by sample.

        Where the number of samples from each state does not depend on what was drawn, the mean of a value over all draws is the
        true value of its state. A child without a value (nothing below was scored) counts in no mean; NaN where there is none.
        """
        out = np.array([node.outcome for node in self.nodes])
        for number in range(len(self.nodes) - 1, -1, -1):  # children come after their parents
            below = [out[child] for child in self.nodes[number].children if out[child] == out[child]]
            if below:
                out[number] = sum(below) / len(below)
        return out

    def advantages(self) -> Floats:
        """Returns for each node, [N], its value less that of its parent; 0 at the root."""
        value = self.values()
        return np.array([value[number] - value[max(node.parent, 0)] for number, node in enumerate(self.nodes)])

    def counts(self, number: int, update: Update) -> bool:
        """Returns whether samples of the action to a node enter the update: with "selected" if its state has two or more."""
        return update == "all" or len(self.nodes[self.nodes[number].parent].children) > 1

    def rows(self, update: Update) -> list[Row]:
        """Returns a row for each branch: every sample stands in exactly one of them, with what came before as its context.

        Args:
            update: "all" gives every sample its node fields. "selected" leaves those that do not count out of the loss, and calls
                each state by the number of the first one at or below it that has several samples, or ends (CARL-1).
        """
        out = []
        for branch in self.branches:
            row = Row(self.nodes[branch[0]].moves[0].start.context)
            for number in branch:
                counts, node = self.counts(number, update), self.nodes[number]
                led = self._landing(number) if update == "selected" else number
                fields: dict[str, float] = {"node_id": led, "parent_id": node.parent}
                fields |= {"n_children": len(self.nodes[node.parent].children), "leaf_reward": self.nodes[led].outcome}
                for move in node.moves:
                    told = flags_of(move) | (fields if counts else {})
                    row.wrote(move.wrote, counts, turn_ids=move.start.turn, **told)
                    row.read(move.read)
                    row.inside = not move.acted
            out.append(row)
        return out

    def rollouts(self) -> list[int]:
        """Returns the end of one whole rollout for each sample at the root; two that meet in a state go on by two samples."""
        ends, passed = [], [0] * len(self.nodes)
        for number in self.nodes[0].children:
            while children := self.nodes[number].children:
                passed[number] += 1
                number = children[passed[number] - 1]
            ends.append(number)
        return ends

    def drawn(self, codec: Codec, update: Update) -> list[list[Any]]:
        """Returns what a report draws: [parent, text, value, advantage or None] of each node, as `Generated.shown` has it."""
        value, advantage = self.values(), self.advantages()
        texts = [codec.decode([one for move in node.moves for one in move.wrote.ids]) for node in self.nodes]
        return [
            [node.parent, text, _number(value[i]), _number(advantage[i]) if i and self.counts(i, update) else None]
            for i, (node, text) in enumerate(zip(self.nodes, texts, strict=True))
        ]

    def _landing(self, number: int) -> int:
        while len(self.nodes[number].children) == 1:
            number = self.nodes[number].children[0]
        return number


def _number(value: float) -> float | None:
    return float(value) if value == value else None


def made(trees: Sequence[Tree], codec: Codec, update: Update) -> Generated:
    """Returns the rows of trees; each tree is a group, and the reward of a row is the value of the state that it leads to."""
    out = Generated([], [], [], [], interactions=0, generated=0)
    for group, tree in enumerate(trees):
        value, rows = tree.values(), tree.rows(update)
        out.shown.append({"row": len(out.rows), "tree": tree.drawn(codec, update)})
        out.rows += rows
        out.rewards += [float(value[branch[-1]]) for branch in tree.branches]
        out.group_ids += [group] * len(rows)
        out.success += [tree.nodes[end].moves[-1].goal for end in tree.rollouts()]
        out.interactions += sum(
            move.acted for branch in tree.branches for one in branch for move in tree.nodes[one].moves
        )
    ends = [tree.nodes[branch[-1]] for tree in trees for branch in tree.branches]
    if all(end.ended for end in ends):  # else a row may be of no whole episode
        out.correct = [end.moves[-1].goal for end in ends]
    out.generated = out.interactions  # every action that was written went to its environment
    return out
