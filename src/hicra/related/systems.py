"""Opens a related system by name. To add one, write a class as `hicra.related.system:System` says, and a line below."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from pydantic import create_model

from hicra.credit.entry import Settings
from hicra.errors import ConfigError, did_you_mean
from hicra.related.system import System
from hicra.strict import validated

SYSTEMS = {
    "grpo": "hicra.related.agents.flat:Grpo",
    "gigpo": "hicra.related.agents.flat:Gigpo",
    "himac": "hicra.related.agents.himac:Himac",
    "hiper": "hicra.related.agents.hiper:Hiper",
    "carl": "hicra.related.trees.carl:Carl",
    "vineppo": "hicra.related.trees.vineppo:VinePpo",
    "spo_chain": "hicra.related.trees.spo:SpoChain",
    "spo_tree": "hicra.related.trees.spo:SpoTree",
}  # name: `module:class`, which is loaded when it is asked for
SHARED = "group_size"  # a setting that a config already has a key for


def open_system(name: str | None, settings: Mapping[str, Any], group_size: int) -> tuple[System, dict[str, Any]]:
    """Makes the system of that name.

    Args:
        name: as in SYSTEMS.
        settings: of the system; absent ones take its defaults.
        group_size: what a setting of that name takes where it is absent.

    Returns:
        The system, and all of its settings.

    Raises:
        ConfigError: there is no system of that name, or a setting is unknown or refused.
    """
    if name is None:
        raise ConfigError(
            "system.name is not given, and the engine related trains a system", f"name {', '.join(SYSTEMS)}"
        )
    if name not in SYSTEMS:
        raise ConfigError(f"system.name: no system {name!r}", did_you_mean(name, SYSTEMS))
    module, attribute = SYSTEMS[name].split(":")
    made = getattr(importlib.import_module(module), attribute)
    known = settings_class(made)
    for key in settings:
        if key not in known.model_fields:
            nearest = did_you_mean(key, known.model_fields) if known.model_fields else "it has no settings"
            raise ConfigError(f"system.settings.{key}: {name} has no setting {key!r}", nearest)
    given = dict(settings)
    if SHARED in known.model_fields:
        given.setdefault(SHARED, group_size)
    defaults = {key: field.default for key, field in known.model_fields.items()}
    checked = dict(validated(known, given, under="system.settings.", fix=f"the defaults of {name} are {defaults}"))
    system: System = made(**checked)
    return system, checked


@functools.cache
def settings_class(system: Any) -> type[Settings]:
    """Returns the class that checks the settings of a system; it is made from the signature of the system's class."""
    arguments = inspect.signature(system, eval_str=True).parameters.values()
    fields: dict[str, Any] = {one.name: (one.annotation, one.default) for one in arguments}
    return create_model(f"{system.__name__}_settings", __base__=Settings, **fields)
