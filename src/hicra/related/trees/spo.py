"""SPO: values of segments of a rollout (chain), and segments that fork into more of them (tree).

Guo et al. 2025, "Segment policy optimization", arXiv:2505.23564.

What is certain, from the authors' code: in a chain, tokens that were sampled with a probability below 0.9 are cut points, a
segment begins before every fifth of them, starting with the first, and 9 rollouts give the value of the state there; equal
states share theirs. In a tree, 6 segments of 100 tokens start at the root, 6 more at each of their ends, and 6 that run to
the end at each end of those; a response that ends earlier is a leaf. What is a reconstruction: segments that reach over the
actions of an agent.

Deviations:
SPO-3. Tokens are counted over the actions of an episode, and what the environment writes is not counted.
SPO-4. The authors drop segments with the advantage 0 from the batch; here they stay, and a loss that averages over tokens counts
    them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hicra.errors import ConfigError
from hicra.related.play import played
from hicra.related.rollouts import Rollout, drive
from hicra.related.system import Arena, Generated
from hicra.related.trees.segments import generation
from hicra.related.trees.tree import Tree, made
from hicra.related.trees.walk import Move, begin, walk
from hicra.strict import Positive, Share


@dataclass
class SPOChain:
    """Samples a group of rollouts for each seed, and values for their segments.

    Args:
        group_size: rollouts of a seed.
        k: fresh rollouts from the start of each segment.
        every: cut points of a segment.
        probability: a token that was sampled with less is a cut point; the baseline has a setting of this name, too.
    """

    group_size: Positive = 8
    k: Positive = 9
    every: Positive = 5
    probability: Share = 0.9
    baseline: tuple[str, dict[str, Any]] = field(default=("spo_chain", {}), init=False)

    def __post_init__(self) -> None:
        self.baseline = ("spo_chain", {"probability": self.probability})

    def generations(self, place: Arena, seeds: Sequence[int], step: int) -> Iterator[Generated]:
        """Yields one generation: a group of rollouts for each seed."""
        yield generation(place, seeds, self.group_size, self.k, self.starts)

    def play(self, place: Arena, seeds: Sequence[int], greedy: bool = False) -> Generated:
        """Plays one episode of each seed, action by action."""
        return played(place, seeds, greedy)

    def starts(self, path: Sequence[Move]) -> list[list[int]]:
        """Returns for each move its tokens that begin a segment: the first cut point of a rollout, and every so many after it."""
        out, points = [], 0
        for move in path:
            here = []
            for place, logp in enumerate(move.wrote.logps):
                if math.exp(logp) < self.probability:
                    here += [place] if points % self.every == 0 else []
                    points += 1
            out.append(here)
        return out


@dataclass
class SPOTree:
    """Grows one tree of segments for each seed.

    Args:
        branches: segments that start at each state, by its depth; the last ones run to the end of the episode.
        length: tokens of the others.
        probability: tokens that were sampled with this or more get the advantage 0.

    Raises:
        ConfigError: the tree has no depth, or no segment has a sibling.
    """

    branches: Sequence[Positive] = (6, 6, 6)
    length: Positive = 100
    probability: Share = 0.9
    baseline: tuple[str, dict[str, Any]] = field(default=("spo_tree", {}), init=False)

    def __post_init__(self) -> None:
        self.baseline = ("spo_tree", {"probability": self.probability})
        if max(self.branches, default=0) < 2:
            raise ConfigError(
                f"system.settings.branches is {list(self.branches)}, so no segment has another to be compared with",
                "give the number of segments at each depth, as in [6, 6, 6]",
            )

    def generations(self, place: Arena, seeds: Sequence[int], step: int) -> Iterator[Generated]:
        """Yields one generation: a tree for each seed."""
        yield made(drive([self.grown(place, seed) for seed in seeds], place.policy), place.codec, "all")

    def play(self, place: Arena, seeds: Sequence[int], greedy: bool = False) -> Generated:
        """Plays one episode of each seed, action by action."""
        return played(place, seeds, greedy)

    def grown(self, place: Arena, seed: int) -> Rollout[Tree]:
        """Grows the tree of one seed."""
        world = place.environment()
        root = begin(world, place.codec, seed)
        tree, ends = Tree(root, join=False), [0]
        for depth, factor in enumerate(self.branches):
            starts = [number for number in ends for _ in range(factor)]
            tokens = None if depth == len(self.branches) - 1 else self.length
            paths = yield from walk(world, place.codec, [tree.nodes[one].spot for one in starts], place.most, tokens)
            added = [tree.add(start, [path])[-1] for start, path in zip(starts, paths, strict=True)]
            ends = [number for number in added if not tree.nodes[number].ended]
        return tree
