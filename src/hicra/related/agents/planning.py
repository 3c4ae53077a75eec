"""HICRA inside agents: which tokens of an agent plan, by level, by what a lexicon marks, and by whether the step matters.

HICRA needs a planning mask. In one stream of text a lexicon makes it. An agent says more: blueprints are plans whatever words
they have, actions are execution, and an environment may know which steps are critical.

What is certain: nothing of this is published; it is hicra's own combination.

Deviations:
AGENT-7. By default the tokens of blueprints, of subgoals and of keep or change plan, thought tokens plan where the lexicon marks
    them, and action tokens do not.
AGENT-8. `planning_critical` looks at thoughts and actions alone. A blueprint belongs to no step, so it stays as it is, and so do
    subgoals and keep or change, which decide about all that follows.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from hicra.arrays import Bools, as_flags, as_numpy
from hicra.credit.entry import Batch
from hicra.errors import MissingField
from hicra.related.agents.words import EXECUTION_LEVEL, PLAN_LEVEL, THOUGHT_LEVEL
from hicra.strict import Flat

Which = Literal["none", "tagged", "all"]


class PlanningSettings(Flat):
    """Which tokens of each level are planning tokens: none, those that a lexicon marks, or all."""

    planning_blueprint: Which = Field(
        default="all", description="Which tokens of blueprints, of subgoals and of keep or change plan."
    )
    planning_thought: Which = Field(default="tagged", description="Which tokens of thoughts plan.")
    planning_action: Which = Field(default="none", description="Which tokens of actions plan.")
    planning_critical: bool = Field(
        default=False, description="Of thoughts and actions, whether only those of critical steps plan."
    )


def planning_mask(batch: Batch, tagged: Any = None, settings: PlanningSettings | None = None) -> Bools:
    """Returns the planning tokens of an agent's batch, [B,T].

    Args:
        batch: holds response_mask and level_ids [B,T]; with `planning_critical` also critical_mask [B,T], unless all tokens
            are of blueprints.
        tagged: [B,T] bool, the tokens that a lexicon marks (`hicra.Tagger.mask`); None where there is no lexicon, which marks
            nothing.
        settings: which tokens plan; None takes the defaults.

    Raises:
        MissingField: the batch lacks a field; an environment that does not know its critical steps gives no critical_mask.
        DataError: a mask holds what is neither true nor false.
    """
    chosen = settings or PlanningSettings()
    _need(batch, "response_mask", "level_ids")
    live, levels = as_flags(as_numpy(batch["response_mask"]), "response_mask"), as_numpy(batch["level_ids"])
    marked = np.zeros(live.shape, np.bool_) if tagged is None else as_flags(as_numpy(tagged), "tagged", live)
    of_level = {
        PLAN_LEVEL: chosen.planning_blueprint,
        THOUGHT_LEVEL: chosen.planning_thought,
        EXECUTION_LEVEL: chosen.planning_action,
    }
    planning = np.zeros(live.shape, np.bool_)
    for level, which in of_level.items():
        if which != "none":
            planning |= (levels == level) & (marked if which == "tagged" else True)
    of_steps = live & ((levels == THOUGHT_LEVEL) | (levels == EXECUTION_LEVEL))
    if chosen.planning_critical and of_steps.any():  # a batch of blueprints alone has no step
        _need(batch, "critical_mask")
        planning &= ~of_steps | as_flags(as_numpy(batch["critical_mask"]), "critical_mask", live)
    return np.asarray(planning & live)


def _need(batch: Batch, *names: str) -> None:
    for name in names:
        if batch.get(name) is None:
            raise MissingField(
                f"the planning mask of an agent needs the batch field {name!r}, which is missing",
                "set system.settings.planning_critical to false: this environment does not know its critical steps"
                if name == "critical_mask"
                else f"the batch holds {', '.join(sorted(batch)) or 'nothing'}",
            )
