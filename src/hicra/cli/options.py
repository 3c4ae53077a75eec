"""Makes command-line options from a settings class, which has their names, types, meanings and defaults."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field, make_dataclass
from typing import Annotated, Any

from cyclopts import Parameter
from pydantic import BaseModel


def options(settings: type[BaseModel], *, only: Collection[str] = (), but: Collection[str] = (), **texts: str) -> type:
    """Makes a class whose fields are options, one per setting; an option that is not given is None.

    Args:
        settings: a flat settings class whose fields have a description.
        only: the settings that become options; by default all.
        but: the settings that do not become options; by default none.
        texts: the help of settings that are given as text, which the verb parses itself.
    """
    fields = []
    for name, found in settings.model_fields.items():
        if name in but or (only and name not in only):
            continue
        meaning = texts.get(name) or found.description or ""
        off = found.default is False
        default = "" if off or found.default in (None, "") or name in texts else f" [default: {found.default}]"
        flag: dict[str, Any] = {"negative": ""} if off else {}
        kind: Any = str if name in texts else found.annotation
        help_text = Parameter(help=f"{meaning}{default}", **flag)
        fields.append((name, Annotated[kind | None, help_text], field(default=None)))
    made = make_dataclass(f"{settings.__name__}Options", fields, frozen=True)
    made.__module__ = __name__  # cyclopts makes options only of classes outside the standard library
    flat: type = Parameter(name="*")(made)
    return flat


def given(chosen: Any) -> dict[str, Any]:
    """Returns the options that were given, by name."""
    return {name: value for name, value in vars(chosen).items() if value is not None}
