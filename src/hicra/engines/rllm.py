"""HICRA in rLLM, by its hook on trajectory groups, with `rllm.algorithm.use_precomputed_advantage: true`.

    from hicra.engines.rllm import grouping_hook
    AgentTrainer(..., traj_grouping_hook=grouping_hook(tokenizer, "paper"))

rLLM calls the hook once for all episodes of a batch. It groups the trajectories as rLLM does, or as `group` does, and writes one
advantage for each token into `step.advantage`, which rLLM then trains on as it is. That holds for its Tinker backend; its verl
backend takes one number a trajectory and fails on a list. Nothing of rLLM is imported before the first call.

Deviations:
ENGINE-3. A trajectory is one rollout: its steps are compared and counted together, and each keeps its own text, so that no match
    crosses from one step to the next. A group whose steps hold an advantage already (a distilled role) is left as it is; one of
    which only some do is refused. rLLM has no place for None: a trajectory that cannot be scored gets 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hicra.engines.chosen import Choice
from hicra.engines.listed import Rows
from hicra.engines.lists import BASELINE, METHOD, Advantages, Settings, shape_rollouts
from hicra.errors import DataError
from hicra.lexicon import Lexicon

Hook = Callable[..., list[Any]]
HAVE = (
    "response_ids",
    "response_mask",
    "planning_mask",
    "group_ids",
    "rewards",
    "state_ids",
)  # rLLM hands on no entropies
BETWEEN = 0  # a token id between two steps; it is no policy token, so it stands for nothing


def grouping_hook(
    tokenizer: Any,
    lexicon: Lexicon | str | Path,
    method: str = METHOD,
    *,
    group: Hook | None = None,
    method_settings: Settings | None = None,
    method_then: Sequence[Settings] = (),
    baseline: str | None = None,
    baseline_settings: Settings | None = None,
    unit: str | None = None,
) -> Hook:
    """Returns a function for `traj_grouping_hook`: (episodes, transform config, filtering config) to trajectory groups.

    Args:
        tokenizer, lexicon, method: as for `shape_rollouts`.
        group: groups trajectories; None takes rLLM's own way.
        method_settings, method_then, baseline, baseline_settings, unit: as for `shape_rollouts`. The baseline compares the
            rewards of a group's trajectories, in the place of rLLM's own estimator.

    Raises:
        ConfigError: a name, a setting, the lexicon, the tokenizer or a method that needs more than tokens is refused. The
            function that is returned raises as `shape_rollouts` does; a row or rollout in its messages is a trajectory, counted
            over all groups from 0.
    """
    chosen: dict[str, Any] = {
        "method": method, "method_settings": {} if method_settings is None else method_settings, "method_then": method_then,
        "baseline": BASELINE if baseline is None else baseline,
        "baseline_settings": {} if baseline_settings is None else baseline_settings, "unit": unit,
    }  # fmt: skip
    Choice.read(chosen).assignment(HAVE, "rLLM")

    def shaped(rows: Rows, masks: Rows, rewards: Rows, groups: Rows) -> Advantages:
        made: Advantages = shape_rollouts(rows, masks, rewards, groups, tokenizer, lexicon, **chosen)
        return made

    shaped([], [], [], [])  # a wrong name is found before a batch is sampled

    def hook(episodes: list[Any], transform_config: Any, compact_filtering_config: Any = None) -> list[Any]:
        groups = (group or _own_grouping())(episodes, transform_config, compact_filtering_config)
        found = [(number, one) for number, one in enumerate(groups) if not _has_advantages(one)]
        trajectories = [(number, trajectory) for number, one in found for trajectory in one.trajectories]
        rows = [_joined(trajectory.steps) for _, trajectory in trajectories]
        advantages = shaped(
            [ids for ids, _ in rows],
            [mask for _, mask in rows],
            [trajectory.reward for _, trajectory in trajectories],
            [number for number, _ in trajectories],
        )
        for (_, trajectory), values in zip(trajectories, advantages, strict=True):
            start = 0
            for step in trajectory.steps:
                stop = start + len(step.response_ids)
                step.advantage = [value or 0.0 for value in values[start:stop]]
                start = stop + 1
        return list(groups)

    return hook


def _has_advantages(group: Any) -> bool:
    """Says whether the steps of a group hold an advantage already; raises DataError where only some do."""
    held = [step.advantage is not None for trajectory in group.trajectories for step in trajectory.steps]
    if any(held) and not all(held):
        raise DataError(
            f"{sum(held)} of {len(held)} steps of a group of trajectories hold an advantage already",
            "set step.advantage on all of them, which are then left as they are, or on none",
        )
    return any(held)


def _own_grouping() -> Hook:
    from rllm.trainer.algorithms.transform import _default_traj_grouping_hook

    found: Hook = _default_traj_grouping_hook
    return found


def _joined(steps: list[Any]) -> tuple[list[int], list[int]]:
    """Returns the token ids of a trajectory's steps and its mask, with one token between steps that no match crosses."""
    ids: list[int] = []
    mask: list[int] = []
    for step in steps:
        ids += [*step.response_ids, BETWEEN]
        mask += [1] * len(step.response_ids) + [0]
    return ids, mask
