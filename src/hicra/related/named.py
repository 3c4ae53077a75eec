"""Classes that a config names: their settings are the arguments that they are made with, checked by a class made from these."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Mapping
from typing import Any

from pydantic import create_model

from hicra.credit.entry import Settings
from hicra.errors import ConfigError, did_you_mean
from hicra.install import install_command
from hicra.strict import Strict, validated
from hicra.version import installed


def loaded(place: str, extra: str | None, who: str) -> Any:
    """Returns the class at `module:class`.

    Args:
        place: where it is.
        extra: what installs the packages that its module needs; None if it needs none.
        who: the start of the error, such as "task.name: minigrid".

    Raises:
        ConfigError: a package that it needs is not installed, or lacks what is used of it: it has another version.
    """
    module, attribute = place.split(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        if extra is None or (error.name or "").split(".")[0] == "hicra":
            raise
        raise unusable(error, extra, who) from None


def unusable(error: ImportError, extra: str, who: str) -> ConfigError:
    """Makes the error for a package that could not be imported: it is missing, or lacks what is used of it.

    Args:
        error: of the import.
        extra, who: as of `loaded`.
    """
    package, _, inside = (error.name or "").partition(".")
    blocked = sys.modules.get(package, package) is None  # as import statements read it: there is no such package
    if isinstance(error, ModuleNotFoundError) and (blocked or not inside):
        return ConfigError(f"{who} needs {package}, which is not installed", install_command(extra))
    version = installed(package) or "that is installed"
    return ConfigError(f"{who} cannot use {package} in the version {version}: {error}", install_command(extra))


@functools.cache
def settings_class(made: Any) -> type[Strict]:
    """Returns the class that checks the settings of a class: its own `Settings`, or one of the arguments that it is made with."""
    if own := getattr(made, "Settings", None):
        found: type[Strict] = own
        return found
    arguments = inspect.signature(made, eval_str=True).parameters.values()
    fields: dict[str, Any] = {one.name: (one.annotation, one.default) for one in arguments}
    return create_model(f"{made.__name__}_settings", __base__=Settings, **fields)


def checked(made: Any, settings: Mapping[str, Any], name: str, section: str) -> dict[str, Any]:
    """Returns all settings of a class, with its defaults for those that are not given.

    Args:
        made: the class.
        settings: what is given.
        name: of what the class makes, for the message.
        section: the section of the config, such as "task.settings".

    Raises:
        ConfigError: the class has no such setting, or refuses its value.
    """
    known = settings_class(made)
    for key in settings:
        if key not in known.model_fields:
            nearest = did_you_mean(key, known.model_fields) if known.model_fields else "it has no settings"
            raise ConfigError(f"{section}.{key}: {name} has no setting {key!r}", nearest)
    defaults = {key: field.default for key, field in known.model_fields.items()}
    return dict(validated(known, dict(settings), under=f"{section}.", fix=f"the defaults of {name} are {defaults}"))
