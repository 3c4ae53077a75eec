"""Agents without a plan: one response a turn until the episode ends, with the group baselines GRPO and GiGPO.

They are what agents with two levels are compared with, and play by the same code.

What is certain: both baselines, as their own files say. What is a reconstruction: texts, as `execute.py` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from pydantic import Field

from hicra.related.agents.acting import ActingSettings, Agent, GroupSize, made_of
from hicra.related.agents.execute import Manner
from hicra.related.agents.stage import Stage, Wanted
from hicra.related.system import Arena, Generated
from hicra.strict import Flat


class FlatSettings(ActingSettings):
    """The settings of an agent without a plan."""

    group_size: GroupSize = Field(default=8, description="Episodes of one seed.")


class FlatAgent(Agent):
    """Plays a group of episodes of each seed, and trains on all that it wrote.

    Args:
        settings: those of `Settings`.
    """

    Settings: ClassVar[type[Flat]] = FlatSettings
    baseline: tuple[str, dict[str, Any]]

    def __init__(self, **settings: Any) -> None:
        self.settings: FlatSettings = FlatSettings(**settings)

    def manner(self, place: Arena) -> Manner:
        """Returns how the agent plays."""
        return Manner(place.most, self.settings.thought_tokens)

    def play(self, place: Arena, seeds: Sequence[int], greedy: bool = False) -> Generated:
        """Plays one episode a seed."""
        wanted = [Wanted(seed, greedy=greedy) for seed in seeds]
        return made_of(Stage(place).execute(wanted, self.manner(place)), range(len(seeds)))

    def generations(self, place: Arena, seeds: Sequence[int], step: int) -> Iterator[Generated]:
        """Yields the one generation of a step."""
        size = self.settings.group_size
        wanted = [Wanted(seed) for seed in seeds for _ in range(size)]
        yield made_of(Stage(place).execute(wanted, self.manner(place)), [row // size for row in range(len(wanted))])


class GRPO(FlatAgent):
    """A flat agent with the advantage of the whole episode (Shao et al. 2024, arXiv:2402.03300)."""

    baseline: tuple[str, dict[str, Any]] = ("grpo", {})


class GiGPO(FlatAgent):
    """A flat agent with step advantages by the state of the environment (Feng et al. 2025, arXiv:2505.10978)."""

    baseline: tuple[str, dict[str, Any]] = ("gigpo", {"scale": "std"})
