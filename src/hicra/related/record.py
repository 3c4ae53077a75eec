"""What a training step of the engine leaves in the run folder: one line of metrics, and the rows as rollouts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from hicra.arrays import Floats
from hicra.engines.rollouts import rollout_table
from hicra.engines.shaping import Generation
from hicra.metrics import RolloutStats
from hicra.metrics.kinds import kind_sums, kind_values
from hicra.related.agents.words import PLAN_LEVEL
from hicra.related.system import Codec, Generated
from hicra.related.update import Update
from hicra.tagging import Tagger

PER_TOKEN = (
    "action_ids",
    "level_ids",
    "state_ids",
    "episode_ids",
    "node_id",
    "parent_id",
    "critical_mask",
)  # what a rollout keeps of a row


@dataclass
class TrainedPart:
    """One generation of a step: what the system made, how it was shaped, and the updates on it."""

    made: Generated
    shaped: Generation
    updates: list[Update]

    @property
    def refused(self) -> str:
        """Why an update was not applied; "" if all were."""
        return next((one.refused for one in self.updates if one.refused), "")


def metrics_of(parts: Sequence[TrainedPart], system: str) -> dict[str, float | None]:
    """Returns the metrics of a step by name; accuracy, reward and pass@k are those of sampled episodes, and not of rows.

    Args:
        parts: the generations of the step, at least one.
        system: name of the system, which stands before the names of its own figures.
    """
    values: dict[str, float | None] = dict(RolloutStats.merge([part.shaped.stats for part in parts]).values())
    values = {name: value for name, value in values.items() if not name.startswith("hicra/pass_at_")}
    of_episodes = RolloutStats.merge([_of_episodes(part) for part in parts]).values()
    told = {name for name in of_episodes if name == "hicra/reward" or name.startswith("hicra/pass_at_")}
    values |= {name: of_episodes[name] for name in told}
    arrays = [part.shaped.arrays for part in parts]
    sums = np.array([
        kind_sums(a["planning_mask"], a["response_mask"], a["entropies"], a["logprobs"]) for a in arrays
    ], np.float64)  # fmt: skip
    values |= kind_values(sums.sum(axis=0).tolist())
    success = [one for part in parts for one in part.made.success]
    updates = [one for part in parts for one in part.updates]
    moving = sum(one.moving for one in updates)
    values |= {
        "hicra/accuracy": _mean(success),
        "hicra/interactions": float(sum(part.made.interactions for part in parts)),
        "hicra/generated_actions": float(sum(part.made.generated for part in parts)),
        "hicra/updated_actions": float(sum(_updated(part.shaped.arrays) for part in parts)),
        "hicra/steps_refused": float(sum(bool(one.refused) for one in updates)),
        "hicra/steps_without_gradient": float(sum(one.still and not one.refused for one in updates)),
        "hicra/clipped_share": sum(one.clipped for one in updates) / moving if moving else None,
        "loss": _mean([one.loss for one in updates]),
        "grad_norm": _mean([one.norm for one in updates]),
    }
    names = dict.fromkeys(name for part in parts for name in part.made.figures)
    for name in names:
        given = [part.made.figures[name] for part in parts if name in part.made.figures]
        values[f"{system}/{name}"] = _mean(given)
    return values


def _of_episodes(part: TrainedPart) -> RolloutStats:
    """Returns the rewards of a generation with each episode once, however many rows it has; a row of a tree counts as one.

    A row that is a blueprint alone is left out: its reward is that of a greedy episode.
    """
    every, arrays = part.shaped.stats, part.shaped.arrays
    rows = np.arange(len(every.reward))
    if "level_ids" in arrays:
        rows = rows[((arrays["level_ids"] != PLAN_LEVEL) & arrays["response_mask"]).any(axis=1)]
    if "episode_ids" in arrays:
        rows = rows[np.unique(arrays["episode_ids"][rows].max(axis=1, initial=-1), return_index=True)[1]]
    return RolloutStats(reward=every.reward[rows], correct=every.correct[rows], group=every.group[rows])


def rollouts_of(step: int, parts: Sequence[TrainedPart], tagger: Tagger, codec: Codec) -> pl.DataFrame:
    """Returns the rows of a step as rollouts, with `tree` (JSON text) or `subgoals` in the row that a record is shown with."""
    return pl.concat(
        [_table(step, number, part, tagger, codec) for number, part in enumerate(parts)], how="diagonal_relaxed"
    )


def _table(step: int, number: int, part: TrainedPart, tagger: Tagger, codec: Codec) -> pl.DataFrame:
    arrays, live = part.shaped.arrays, part.shaped.arrays["response_mask"]
    table = rollout_table(step, part.shaped, tagger, None, codec.end)
    columns = [
        pl.Series(
            name, [arrays[name][row, live[row]].astype(int).tolist() for row in range(len(live))], pl.List(pl.Int64)
        )
        for name in PER_TOKEN
        if name in arrays
    ]
    trees: list[str | None] = [None] * len(live)
    subgoals: list[list[str] | None] = [None] * len(live)
    for place, record in enumerate(part.made.shown):
        row = record.get("row", place)
        if row < len(live):
            trees[row] = json.dumps(record["tree"], ensure_ascii=False) if record.get("tree") else None
            subgoals[row] = list(record["subgoals"]) if record.get("subgoals") else None
    return table.with_columns(
        pl.lit(number).alias("generation"),
        *columns,
        pl.Series("tree", trees, pl.String),
        pl.Series("subgoals", subgoals, pl.List(pl.String)),
    )


def _updated(arrays: dict[str, Any]) -> int:
    """Counts the actions of which a token enters the loss."""
    if "action_ids" not in arrays:
        return 0
    actions = np.where(arrays["response_mask"], arrays["action_ids"], -1)
    return sum(len(np.unique(row[row >= 0])) for row in actions)


def _mean(values: Sequence[float]) -> float | None:
    found: Floats = np.array([one for one in values if np.isfinite(one)])
    return float(found.mean()) if len(found) else None
