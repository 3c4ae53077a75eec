"""Opens an engine by name. To add one, write a folder here with a function as `Engine` says, an extra, and a line below."""

from __future__ import annotations

import importlib

from hicra.engines.interface import Engine
from hicra.errors import ConfigError, did_you_mean
from hicra.install import install_command

ENGINES = {
    "trl": ("hicra.engines.trl.run:train", "train"),
}  # name: (`module:function`, which is loaded when it is asked for; the extra that installs what it needs)


def open_engine(name: str) -> Engine:
    """Loads the engine of that name.

    Raises:
        ConfigError: the name is unknown, or a package that the engine needs is not installed.
    """
    if name not in ENGINES:
        raise ConfigError(f"engine: no engine {name!r}", did_you_mean(name, ENGINES))
    place, extra = ENGINES[name]
    module, function = place.split(":")
    try:
        engine: Engine = getattr(importlib.import_module(module), function)
    except ImportError as error:
        raise ConfigError(f"training needs {error.name}, which is not installed", install_command(extra)) from None
    return engine
