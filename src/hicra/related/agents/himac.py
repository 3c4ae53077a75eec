"""HiMAC: one policy writes blueprints and executes them, in two groups that never mix (2026, arXiv:2603.00977).

In phase A the policy writes M blueprints of one task. Each is scored by one greedy episode along it, which is not trained on,
and its advantage is relative to the other blueprints of the task. In phase B the policy plays N episodes along the best of
them, and their advantages are relative to each other. Phase B samples from the policy that phase A has updated, and the other
way round.

What is certain: both groups, the greedy score, the best blueprint, the phases, and the ablations that are options here, from
descriptions of the paper. What is a reconstruction: texts (`execute.py`), and what the deviations say.

Deviations:
HIMAC-1. M and N are not given apart from a group size of 8, which is the default of both.
HIMAC-2. Of blueprints with equal scores the first that was sampled is the best one, so that without any success the choice is a
    draw from the policy.
HIMAC-3. The paper's "random blueprint" is the first that was sampled, which is a draw from the policy as well.
HIMAC-4. Equal blueprints of a task are scored once: a greedy episode would go the same way again. Its actions count once.
HIMAC-5. "No alternation" (`alternate: false`) puts both groups into one update, so that blueprints and executions are of one
    policy.
HIMAC-6. A text that is no blueprint stands for one subgoal, the task itself, and is scored and trained on like any other.
HIMAC-7. The number of tokens of a blueprint, its subgoals and the budget of a subgoal are not given; the defaults are for the
    embedded environments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from hicra.related.agents.acting import ActingSettings, Agent, GroupSize, made_of
from hicra.related.agents.execute import Manner, Played
from hicra.related.agents.stage import Planned, Stage, Wanted, interactions_of
from hicra.related.agents.words import PLAN
from hicra.related.system import Arena, Generated, accuracy
from hicra.strict import Flat, Positive


class HiMACSettings(ActingSettings):
    """The settings of HiMAC."""

    blueprints: GroupSize = Field(default=8, description="M, blueprints of one seed.")
    group_size: GroupSize = Field(default=8, description="N, episodes along the chosen blueprint.")
    blueprint: Literal["best", "random"] = Field(default="best", description="Which blueprint is executed.")
    alternate: bool = Field(
        default=True, description="Update on blueprints before the executions are sampled; if not, both together."
    )
    sub_done: bool = Field(
        default=True, description="Whether <sub_done> moves on to the next subgoal; if not, the budget alone does."
    )
    budget: Positive = Field(
        default=12, description="The most actions of the environment for a subgoal, the last one apart."
    )
    keep_past: bool = Field(default=False, description="Whether past segments of an episode stay in sight.")
    blueprint_tokens: Positive = Field(
        default=32, description="The most tokens of a blueprint, its end token included."
    )
    subgoals: Positive = Field(default=8, description="The most subgoals of a blueprint.")
    scale: Literal["std", "none", "loo"] = Field(
        default="std", description="Of the advantages, as the baseline himac has it."
    )


class HiMAC(Agent):
    """Writes blueprints and executes the best one.

    Args:
        settings: those of `Settings`.
    """

    Settings: ClassVar[type[Flat]] = HiMACSettings

    def __init__(self, **settings: Any) -> None:
        self.settings: HiMACSettings = HiMACSettings(**settings)
        self.baseline: tuple[str, dict[str, Any]] = ("himac", {"scale": self.settings.scale})

    def manner(self, place: Arena) -> Manner:
        """Returns how blueprints are executed."""
        chosen = self.settings
        return Manner(place.most, chosen.thought_tokens, chosen.budget, chosen.sub_done, chosen.keep_past)

    def play(self, place: Arena, seeds: Sequence[int], greedy: bool = False) -> Generated:
        """Plays one episode a seed along one blueprint that was written for it; the rows are those of the executions."""
        stage = Stage(place)
        planned = self._plan(stage, seeds, greedy)
        wanted = [Wanted(seed, one.blueprint.subgoals, greedy) for seed, one in zip(seeds, planned, strict=True)]
        made = made_of(stage.execute(wanted, self.manner(stage.place)), range(len(seeds)))
        made.shown = [with_blueprint(record, one) for record, one in zip(made.shown, planned, strict=True)]
        made.generated += len(planned)
        return made

    def generations(self, place: Arena, seeds: Sequence[int], step: int) -> Iterator[Generated]:
        """Yields the blueprints and then the executions, or both at once.

        The group of the blueprints of seed number i is 2i, that of its executions 2i + 1.
        """
        stage = Stage(place)
        macro, chosen = self._macro(stage, seeds)
        if self.settings.alternate:
            yield macro
            yield self._micro(stage, seeds, chosen)
        else:
            yield joined(macro, self._micro(stage, seeds, chosen))

    def _plan(self, stage: Stage, seeds: Sequence[int], greedy: bool = False) -> list[Planned]:
        return stage.plan(seeds, self.settings.blueprint_tokens, self.settings.subgoals, greedy=greedy)

    def _macro(self, stage: Stage, seeds: Sequence[int]) -> tuple[Generated, list[Planned]]:
        """Returns the blueprints with their greedy scores, and which one of each seed is executed."""
        size = self.settings.blueprints
        every = [seed for seed in seeds for _ in range(size)]
        planned = self._plan(stage, every)
        wanted = [Wanted(seed, one.blueprint.subgoals, greedy=True) for seed, one in zip(every, planned, strict=True)]
        different = list(dict.fromkeys(wanted))
        scored = dict(zip(different, stage.execute(different, self.manner(stage.place)), strict=True))
        episodes = [scored[one] for one in wanted]
        chosen = list[Planned]()
        for start in range(0, len(planned), size):
            of_one = range(start, start + size)
            best = self.settings.blueprint == "best"
            chosen.append(planned[max(of_one, key=lambda i: score(episodes[i])) if best else start])
        made = Generated(
            rows=[one.row for one in planned],
            rewards=[one.reward for one in episodes],
            group_ids=[2 * (number // size) for number in range(len(planned))],
            success=[],  # the accuracy of a step is that of sampled episodes; greedy ones are `blueprint_success`
            interactions=interactions_of(scored.values()),
            generated=len(planned) + sum(one.written for one in scored.values()),
            correct=[one.success for one in episodes],
            shown=[
                with_blueprint({"row": row, "subgoals": one.told()}, plan)
                for row, (plan, one) in enumerate(zip(planned, episodes, strict=True))
            ],
            figures=blueprint_figures(planned, episodes, len(different)),
        )
        return made, chosen

    def _micro(self, stage: Stage, seeds: Sequence[int], chosen: Sequence[Planned]) -> Generated:
        """Returns the executions of the chosen blueprints."""
        size = self.settings.group_size
        pairs = list(zip(seeds, chosen, strict=True))
        wanted = [Wanted(seed, plan.blueprint.subgoals) for seed, plan in pairs for _ in range(size)]
        made = made_of(
            stage.execute(wanted, self.manner(stage.place)), [2 * (number // size) + 1 for number in range(len(wanted))]
        )
        made.shown = [with_blueprint(record, chosen[number // size]) for number, record in enumerate(made.shown)]
        return made


def score(played: Played) -> float:
    """Returns the reward of an episode to choose by; one that could not be scored (NaN) is never better than another."""
    return played.reward if played.reward == played.reward else float("-inf")


def joined(macro: Generated, micro: Generated) -> Generated:
    """Returns two generations as one update; the accuracy is that of the sampled episodes."""
    return Generated(
        rows=macro.rows + micro.rows,
        rewards=macro.rewards + micro.rewards,
        group_ids=macro.group_ids + micro.group_ids,
        success=micro.success,
        interactions=macro.interactions + micro.interactions,
        generated=macro.generated + micro.generated,
        correct=[*(macro.correct or []), *(micro.correct or [])],
        shown=[*macro.shown, *({**record, "row": record["row"] + len(macro.rows)} for record in micro.shown)],
        figures={**macro.figures, **micro.figures},
    )


def blueprint_figures(planned: Sequence[Planned], episodes: Sequence[Played], different: int) -> dict[str, float]:
    """Returns what the blueprints of a step were like.

    Args:
        planned: at least one.
        episodes: the greedy one of each.
        different: how many pairs of seed and blueprint there are.
    """
    count = max(len(planned), 1)
    return {
        "blueprint_fallbacks": sum(bool(one.blueprint.why) for one in planned) / count,
        "blueprint_subgoals": sum(len(one.blueprint.subgoals) for one in planned) / count,
        "blueprint_success": accuracy([one.success for one in episodes]),
        "blueprints_different": different / count,
    }


def with_blueprint(record: dict[str, Any], planned: Planned) -> dict[str, Any]:
    """Returns the record of an episode with its blueprint before the segments, and why a text was none."""
    why = f" (no blueprint: {planned.blueprint.why})" if planned.blueprint.why else ""
    return {**record, "subgoals": [f"{PLAN} {planned.text.strip()}{why}", *record["subgoals"]]}
