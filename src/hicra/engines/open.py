"""Opens an engine by name. To add one, write a folder here with a function as `Engine` says, an extra, and a line below.

An engine that trains on tasks of its own, as one that plays in environments does, also names the function that makes them.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from hicra.credit.relatives import elsewhere
from hicra.engines.interface import Engine
from hicra.engines.shaping import GIVEN
from hicra.errors import ConfigError, did_you_mean
from hicra.install import install_command
from hicra.runs.sections import RunConfig
from hicra.tasks.base import Task, make_task


@dataclass(frozen=True)
class EngineEntry:
    """An engine in the table; functions are named as `module:function`, and loaded when they are asked for.

    Attributes:
        place: the engine.
        extra: what installs the packages that it needs.
        begin: `(config) -> (config, task)`, which makes the task and fills in what only this engine knows; "" for an engine that
            trains on the tasks of `hicra.tasks`.
        fields: the fields of a batch that it hands to baselines and shapers.
    """

    place: str
    extra: str
    begin: str = ""
    fields: tuple[str, ...] = GIVEN


# fields of the rows of trees and agents; who makes the rows gives those that the chosen baseline needs
OF_ACTIONS = (
    "turn_ids", "action_ids", "level_ids", "state_ids", "episode_ids", "node_id", "parent_id", "n_children", "leaf_reward",
    "values", "subgoal_mask", "switch_mask", "critical_mask",
)  # fmt: skip
OF_BATCHES = (
    "response_ids", "response_mask", "planning_mask", "group_ids", "rewards", "truncated", "entropies", "old_logprobs",
)  # fmt: skip
ENGINES = {
    "trl": EngineEntry("hicra.engines.trl.run:train", "train"),
    "related": EngineEntry(
        "hicra.related.engine:train",
        "train",
        "hicra.related.task:begin",
        tuple(dict.fromkeys((*OF_BATCHES, *OF_ACTIONS))),
    ),
}


def entry_of(name: str) -> EngineEntry:
    """Returns the entry of an engine; raises ConfigError if there is none of that name."""
    if name not in ENGINES:
        raise ConfigError(f"engine: no engine {name!r}", elsewhere(name) or did_you_mean(name, ENGINES))
    return ENGINES[name]


def begin(config: RunConfig) -> tuple[RunConfig, Task]:
    """Returns the config with what its engine fills in, and its task.

    Raises:
        ConfigError: the engine, the task or the system is unknown, or a setting is refused.
    """
    place = entry_of(config.engine).begin
    if place:
        made: tuple[RunConfig, Task] = _loaded(place)(config)
        return made
    if config.system.name is not None:
        raise ConfigError(
            f"system.name is {config.system.name!r}, and the engine {config.engine} trains no system",
            "set engine=related, or leave out system",
        )
    return config, make_task(config.task.name, **config.task.settings)


def open_engine(name: str) -> Engine:
    """Loads the engine of that name.

    Raises:
        ConfigError: the name is unknown, or a package that the engine needs is not installed.
    """
    entry = entry_of(name)
    try:
        engine: Engine = _loaded(entry.place)
    except ImportError as error:
        raise ConfigError(
            f"training needs {error.name}, which is not installed", install_command(entry.extra)
        ) from None
    return engine


def _loaded(place: str) -> Any:
    module, function = place.split(":")
    return getattr(importlib.import_module(module), function)
