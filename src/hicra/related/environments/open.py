"""Opens an environment by name. To add one, write a class in this folder as `Environment` says, and a line below.

A setting of an environment is an argument that its class is made with; type, bounds and default stand there alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from hicra.errors import ConfigError, did_you_mean
from hicra.related.environments.interface import Environment
from hicra.related.named import checked, loaded

ENVIRONMENTS: dict[str, tuple[str, str | None]] = {
    "chain": ("hicra.related.environments.chain:Chain", None),
    "hcraft": ("hicra.related.environments.hierarchy_craft:HierarchyCraft", "hcraft"),
    "minigrid": ("hicra.related.environments.mini_grid:MiniGrid", "minigrid"),
    "babyai": ("hicra.related.environments.baby_ai:BabyAI", "minigrid"),
    "textworld": ("hicra.related.environments.text_world:TextWorld", "textworld"),
    "jugs": ("hicra.related.environments.reasoning:Jugs", "gym"),
    "task": ("hicra.related.environments.from_task:FromTask", None),
    "strings": ("hicra.related.environments.strings:Strings", None),
    "model_choice": ("hicra.related.environments.model_choice:ModelChoice", None),
}  # name: (`module:class`, which is loaded when it is asked for; the extra that installs what it needs)


def open_environment(name: str | None, settings: Mapping[str, Any]) -> tuple[Callable[[], Environment], dict[str, Any]]:
    """Checks the settings of an environment, and returns what makes it.

    Args:
        name: as in ENVIRONMENTS.
        settings: absent ones take their defaults.

    Returns:
        A function that makes a new environment each time it is called, and all settings.

    Raises:
        ConfigError: there is no environment of that name, a package that it needs is not installed, or a setting is refused.
    """
    known = ", ".join(ENVIRONMENTS)
    if name is None:
        raise ConfigError("task.name is not given, and there is nowhere to play", f"name one of {known}")
    if name not in ENVIRONMENTS:
        raise ConfigError(f"task.name: no environment {name!r}", did_you_mean(name, ENVIRONMENTS))
    made = loaded(*ENVIRONMENTS[name], f"task.name: {name}")
    whole = checked(made, settings, name, "task.settings")
    return functools.partial(made, **whole), whole
