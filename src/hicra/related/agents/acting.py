"""What all agents share: how they act, which of their tokens plan, and how episodes become a generation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Any

from pydantic import Field

from hicra.arrays import Bools
from hicra.credit.entry import Batch
from hicra.related.agents.execute import Played
from hicra.related.agents.planning import PlanningSettings, planning_mask
from hicra.related.agents.stage import figures_of, interactions_of
from hicra.related.system import Generated
from hicra.strict import Count

GroupSize = Annotated[int, Field(ge=2)]


class ActingSettings(PlanningSettings):
    """How any agent acts; the most tokens of an action are those of the place."""

    thought_tokens: Count = Field(
        default=0, description="The most tokens of a thought before each action; 0 is no thought."
    )


class Agent:
    """The base of the agents.

    Attributes:
        settings: of the agent.
    """

    settings: ActingSettings

    def planning_mask(self, batch: Batch, tagged: Any = None) -> Bools:
        """Returns the planning tokens of a batch of the agent's rows, [B,T], as `hicra.related.agents.planning` says."""
        return planning_mask(batch, tagged, self.settings)


def made_of(played: Sequence[Played], groups: Sequence[int]) -> Generated:
    """Returns episodes as a generation, with every row of an episode in its group.

    Args:
        played: the episodes.
        groups: the group of each.
    """
    rows = [(row, one, group) for one, group in zip(played, groups, strict=True) for row in one.rows]
    first = list(accumulate((len(one.rows) for one in played), initial=0))
    return Generated(
        rows=[row for row, _, _ in rows],
        rewards=[one.reward for _, one, _ in rows],
        group_ids=[group for _, _, group in rows],
        success=[one.success for one in played],
        interactions=interactions_of(played),
        generated=sum(one.written for one in played),
        correct=[one.success for _, one, _ in rows],
        shown=[{"row": row, "subgoals": one.told()} for row, one in zip(first, played, strict=False)],
        figures=figures_of(played),
    )
