"""Opens a related system by name. To add one, write a class as `hicra.related.system:System` says, and a line below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hicra.credit.relatives import elsewhere
from hicra.errors import ConfigError, did_you_mean
from hicra.related.named import checked, loaded, settings_class
from hicra.related.system import System

SYSTEMS = {
    "grpo": "hicra.related.agents.flat:GRPO",
    "gigpo": "hicra.related.agents.flat:GiGPO",
    "himac": "hicra.related.agents.himac:HiMAC",
    "hiper": "hicra.related.agents.hiper:HiPER",
    "carl": "hicra.related.trees.carl:CARL",
    "vineppo": "hicra.related.trees.vineppo:VinePPO",
    "spo_chain": "hicra.related.trees.spo:SPOChain",
    "spo_tree": "hicra.related.trees.spo:SPOTree",
}  # name: `module:class`, which is loaded when it is asked for
SHARED = "group_size"  # a setting that a config has a key for anyway


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
    known = ", ".join(SYSTEMS)
    if name is None:
        raise ConfigError("system.name is not given, and there is no system to train", f"name one of {known}")
    if name not in SYSTEMS:
        raise ConfigError(f"system.name: no system {name!r}", elsewhere(name) or did_you_mean(name, SYSTEMS))
    made = loaded(SYSTEMS[name], None, f"system.name: {name}")
    given = dict(settings)
    if SHARED in settings_class(made).model_fields:
        given.setdefault(SHARED, group_size)
    whole = checked(made, given, name, "system.settings")
    system: System = made(**whole)
    return system, whole
