"""Checks the signature of a function of one's own: what comes first is handed over, and what follows `*` are its settings.

Settings are read from the signature alone, so a setting that is written in another way would silently be none.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from hicra.credit.entry import Entry
from hicra.errors import ConfigError

HANDED_OVER = {
    "shaper": ("advantages", "batch"),
    "baseline": ("rewards", "group_ids", "batch"),
    "loss": ("logps", "old_logps", "advantages", "mask", "batch"),
}
OF_EVERY_LOSS = ("mean", "most_tokens")


def check_signature(entry: Entry) -> None:
    """Checks the signature of an entry's function.

    Raises:
        ConfigError: it takes fewer or more values than are handed over, or a setting has no type, no default, a type that no
            setting can have, or a name that is taken; the message names the parameter.
    """
    handed = HANDED_OVER[entry.kind]
    takes = f"write def {_called(entry.function)}({', '.join(handed)}, *, setting: float = 1.0)"
    parameters = _parameters(entry, takes)
    first = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    if len(first) > len(handed):
        name = first[len(handed)].name
        raise ConfigError(
            f"{entry.name}: parameter {name} must be keyword-only, or it is no setting",
            f"put `*, ` before {name}; a {entry.kind} is handed {', '.join(handed)}",
        )
    if len(first) < len(handed) and not any(one.kind is one.VAR_POSITIONAL for one in parameters):
        taken = ", ".join(one.name for one in first) or "nothing"
        raise ConfigError(f"{entry.name} takes {taken}, and a {entry.kind} is handed {', '.join(handed)}", takes)
    for one in parameters:
        if one.kind is one.KEYWORD_ONLY:
            _check_setting(entry, one)
    try:
        entry.settings_class  # noqa: B018
    except Exception as error:  # pydantic has several
        raise ConfigError(
            f"{entry.name}: its settings cannot be read: {str(error).splitlines()[0]}",
            "give settings simple types, such as float, int, bool, str or Literal, and names without a leading _",
        ) from None


def _check_setting(entry: Entry, setting: inspect.Parameter) -> None:
    typed, given = setting.annotation is not setting.empty, setting.default is not setting.empty
    if typed and given:
        if entry.kind == "loss" and setting.name in OF_EVERY_LOSS:
            raise ConfigError(
                f"{entry.name}: every loss has a setting {setting.name!r} already", "give yours another name"
            )
        return
    kind = (
        inspect.formatannotation(setting.annotation) if typed else type(setting.default).__name__ if given else "float"
    )
    value = repr(setting.default) if given else "1.0" if kind == "float" else "..."
    lacks = "default" if typed else "type" if given else "type and no default"
    raise ConfigError(
        f"{entry.name}: setting {setting.name!r} has no {lacks}", f"write {setting.name}: {kind} = {value}"
    )


def _parameters(entry: Entry, fix: str) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(entry.function, eval_str=True).parameters.values())
    except Exception as error:  # eval_str runs whatever an annotation says
        raise ConfigError(f"{entry.name}: its signature cannot be read: {type(error).__name__}: {error}", fix) from None


def _called(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", "")
    return name if name.isidentifier() else "mine"
