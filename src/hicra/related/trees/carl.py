"""CARL: rollouts that fork where the policy is unsure, and an update of the actions that were compared with others.

"CARL: criticality-aware agentic reinforcement learning", 2025, arXiv:2512.04949. N0 rollouts start from the root. Then, N times,
the state with the smallest density, children over criticality, is gone on from to the end of the episode. An action is trained
on where its state has two children or more, with the advantage of its edge (baseline `carl`).

What is certain: this loop, the density, the running mean of the criticality, N = 16 with N0 = 1 (their lite form) or 8 (their
best), no joining of equal states, and the rule of the update. What is a reconstruction: ties, states without criticality, and
how the criticality of an action is taken from the policy.

Deviations:
CARL-3. The paper estimates the criticality of a state by the surprisal of its sampled actions, over their lengths. Here
    `entropy`, the default, takes the mean true token entropy of the sampled actions, which the policy knows when it samples.
    Where actions are short, one rare draw at a sure state looks critical and draws forks: in benchmarks/bench_carl_cosine.py
    the gradient with `surprisal` is far worse than plain GRPO's. `surprisal` is the paper's form.
CARL-4. `random` forks at a state that is drawn with equal chances among those visited; it is the control, as in the paper's
    ablation. Its draws depend on the step and the seed of the episode alone.
CARL-5. One sentence of the paper says that actions of the first N0 rollouts are never trained on; its bound on the number of
    updated actions counts them once they have siblings, and its figures agree with that. Here they are trained on then.
CARL-6. The paper says once that a tree has N leaves and once N0 + N; its figures agree with N0 + N, and so does this.
CARL-7. Of equal densities the state that was visited first is taken. A state of criticality 0 has an infinite density, so that it
    is gone on from only where all are so.
CARL-8. The reward of a row is the outcome of its end. So the paper's ablation, outcome rewards in place of edge advantages,
    is this system with the baseline `dr_grpo`; an action counts with the outcome of the rollout that sampled it.
CARL-9. The paper's states are prefixes, which it never merges; its actions are so long that hardly two are equal. Where actions
    are short, equal prefixes are common, and with `join`, the default, they are one state that all of its samples are compared
    in. In benchmarks/bench_carl_cosine.py that gives a better gradient where success is rare or the other steps are sure, and
    a slightly worse one where success is common.
CARL-10. The paper proves that the plain mean of children is unbiased for children that are drawn independently. Their number
    must not depend on them either. With `surprisal` it does, since a rare draw brings its state another child: in a chain of
    three steps that a test enumerates, the value of the root has the mean 0.08 in place of 0.12. With `entropy` and without
    `join` it is exact there; with `join` it is at most 0.01 off, since equal draws leave fewer states to fork at. A bias also
    remains where a state's entropy depends on what was drawn before it: an unsure state draws forks away from those above.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from hicra.errors import ConfigError
from hicra.related.play import played
from hicra.related.rollouts import Action, Rollout, drive
from hicra.related.system import Arena, Generated
from hicra.related.trees.tree import Tree, Update, made
from hicra.related.trees.walk import Move, begin, cut, step_ends, walk
from hicra.strict import Count, Positive


@dataclass
class CARL:
    """Grows one tree for each seed.

    Args:
        n0: rollouts from the root; the paper has 1 (lite) and 8 (best).
        n: forks after that; the paper has 16.
        criticality: what says how much a state matters (CARL-3, CARL-4).
        update: "selected" trains on actions whose state has several children, "all" on all (the paper's ablation).
        join: whether actions that wrote the same in a state lead to one state (CARL-9).
        boundary: text that ends an action inside a response of one turn, such as a line's end; "" leaves that to the environment.

    Raises:
        ConfigError: no action could ever be compared with another.
    """

    n0: Positive = 8
    n: Count = 16
    criticality: Literal["entropy", "surprisal", "random"] = "entropy"
    update: Update = "selected"
    join: bool = True
    boundary: str = ""
    baseline: tuple[str, dict[str, Any]] = field(default=("carl", {}), init=False)

    def __post_init__(self) -> None:
        if self.n0 + self.n < 2:
            raise ConfigError(
                "system.settings: n0 = 1 and n = 0 give a single rollout, and no action has another to be compared with",
                "set n to at least 1; the paper has n0 = 8 and n = 16",
            )

    def generations(self, place: Arena, seeds: Sequence[int], step: int) -> Iterator[Generated]:
        """Yields one generation: a tree for each seed."""
        yield made(drive([self.grown(place, seed, step) for seed in seeds], place.policy), place.codec, self.update)

    def play(self, place: Arena, seeds: Sequence[int], greedy: bool = False) -> Generated:
        """Plays one episode of each seed, action by action."""
        return played(place, seeds, greedy)

    def grown(self, place: Arena, seed: int, step: int = 0) -> Rollout[Tree]:
        """Grows the tree of one seed."""
        world = place.environment()
        root = begin(world, place.codec, seed)
        tree, states = Tree(root, self.join), States(self.criticality, np.random.default_rng([step, abs(seed)]))
        paths = yield from walk(world, place.codec, [root] * self.n0, place.most)
        for path in paths:
            states.saw(tree, tree.add(0, self._actions(path, place)))
        for _ in range(self.n):
            source = states.least_dense()
            (path,) = yield from walk(world, place.codec, [tree.nodes[source].spot], place.most)
            states.saw(tree, tree.add(source, self._actions(path, place)))
        return tree

    def _actions(self, path: Sequence[Move], place: Arena) -> list[list[Move]]:
        cuts = [cut(move, step_ends(move, self.boundary, place.codec), place.codec) for move in path]
        return [[piece] for pieces in cuts for piece in pieces]


class States:
    """The states of a tree that can be gone on from, with the running mean of their criticality.

    Args:
        criticality: what is averaged, as `CARL` says.
        rng: draws states for "random".
    """

    def __init__(self, criticality: str, rng: np.random.Generator) -> None:
        self.criticality, self.rng = criticality, rng
        self.total: dict[int, float] = {}  # by the number of the state, in the order of their first visits
        self.children: dict[int, int] = {}

    def saw(self, tree: Tree, branch: Sequence[int]) -> None:
        """Takes in the edges of a new branch."""
        for number in branch:
            node = tree.nodes[number]
            self.total[node.parent] = self.total.get(node.parent, 0.0) + self._of(node.moves[0].wrote)
            self.children[node.parent] = self.children.get(node.parent, 0) + 1

    def least_dense(self) -> int:
        """Returns the state with the fewest children for its criticality: children over the mean over these children."""
        if self.criticality == "random":
            return list(self.total)[self.rng.integers(len(self.total))]
        # n / (total / n); the first of equal ones, and n alone where nothing is critical
        return min(self.total, key=lambda state: (self._density(state), self.children[state]))

    def _density(self, state: int) -> float:
        total = self.total[state]
        return self.children[state] ** 2 / total if total > 0 else float("inf")

    def _of(self, action: Action) -> float:
        """Returns the criticality that one action shows: nats a token."""
        values = action.entropies if self.criticality == "entropy" else [-one for one in action.logps]
        return sum(values) / len(values)
