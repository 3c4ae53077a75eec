"""VinePPO: the value of the state before each step is the mean outcome of K fresh rollouts from it.

Kazemnejad et al. 2024, arXiv:2410.01679.

What is certain: K rollouts from each step of ordinary rollouts, K = 9 in the authors' configs, values for the start of every
step, and the outcome itself at the end (baseline `vineppo`). What is a reconstruction: where a step ends.

Deviations:
VINE-3. A step ends with a token whose text holds `boundary`, the end of a line, and with every action that the environment takes.
    The authors split mathematics by lines and by rules of their own.
VINE-4. States with the same context share one value, and its K rollouts: the start of a group, for example.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hicra.related.play import played
from hicra.related.system import Arena, Generated
from hicra.related.trees.segments import generation
from hicra.related.trees.walk import Move, step_ends
from hicra.strict import Positive


@dataclass
class VinePPO:
    """Samples a group of rollouts for each seed, and values for their steps.

    Args:
        group_size: rollouts of a seed.
        k: fresh rollouts from the start of each step.
        boundary: text that ends a step inside an action, such as a line's end; "" leaves that to the environment.
    """

    group_size: Positive = 8
    k: Positive = 9
    boundary: str = "\n"
    baseline: tuple[str, dict[str, Any]] = field(default=("vineppo", {}), init=False)

    def generations(self, place: Arena, seeds: Sequence[int], step: int) -> Iterator[Generated]:
        """Yields one generation: a group of rollouts for each seed."""

        def starts(path: Sequence[Move]) -> list[list[int]]:
            return [[0, *step_ends(move, self.boundary, place.codec)] for move in path]

        yield generation(place, seeds, self.group_size, self.k, starts)

    def play(self, place: Arena, seeds: Sequence[int], greedy: bool = False) -> Generated:
        """Plays one episode of each seed, action by action."""
        return played(place, seeds, greedy)
