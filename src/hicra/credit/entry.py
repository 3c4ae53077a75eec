"""An entry in a table of credit is a function with its name, its settings, the fields that it needs and its source.

A baseline (`baseline.py`) turns rewards into advantages, a shaper (`method.py`) changes advantages, a loss (`loss.py`) turns
them into a number. Each is a plain function. Its settings are its keyword-only arguments: their types, bounds and defaults stand
in its signature alone, and the class that checks them is made from that signature.

Numpy or torch comes in, and the same kind, dtype (bfloat16 too) and device goes out (`border.py`).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, ConfigDict, create_model

from hicra.errors import ConfigError, MissingField, UnknownName, did_you_mean
from hicra.strict import Strict, validated

Batch = Mapping[str, Any]


class Settings(Strict):
    """The settings of one entry, with the types of its function's signature; text is never read as a number."""

    model_config = ConfigDict(strict=True)


class Table(dict[str, Any]):
    """The entries of one kind by name; a name that it lacks is an UnknownName (a ConfigError and a KeyError)."""

    def __init__(self, kind: str, entries: Iterable[Entry]) -> None:
        super().__init__({entry.name: entry for entry in entries})
        self.kind = kind

    def __missing__(self, name: str) -> Any:
        raise UnknownName(f"no {self.kind} {name!r}", did_you_mean(str(name), self))


@dataclass(frozen=True)
class Entry:
    """One entry of a table.

    Attributes:
        name: the entry's key in the table.
        function: the formula; its keyword-only arguments are the settings.
        source: the publication that the formula is from.
        needs: the fields that the batch must hold.
        binary: whether rewards must be 0 or 1.
    """

    name: str
    function: Callable[..., Any]
    source: str
    needs: tuple[str, ...] = ()
    binary: bool = False
    kind: ClassVar[str]  # "shaper", "baseline" or "loss", as `hicra methods` prints it
    section: ClassVar[str]  # the section of the config that holds its settings

    @functools.cached_property
    def settings_class(self) -> type[Settings]:
        """The class that checks the settings; it is made from the function's signature."""
        arguments = inspect.signature(self.function, eval_str=True).parameters.values()
        fields: dict[str, Any] = {a.name: (a.annotation, a.default) for a in arguments if a.kind is a.KEYWORD_ONLY}
        return create_model(f"{self.name}_settings", __base__=Settings, **fields)

    @property
    def settings(self) -> dict[str, Any]:
        """The names of the settings with their defaults."""
        return {name: field.default for name, field in self.settings_class.model_fields.items()}

    def checked(self, given: Mapping[str, Any], section: str = "") -> dict[str, Any]:
        """Checks the given settings and returns all settings, with defaults for those that are not given.

        Args:
            given: settings by name.
            section: the section of the config that holds them, for the message; "" takes that of its kind.

        Raises:
            ConfigError: this entry does not have a setting, or refuses its value.
        """
        section, settings = section or self.section, self.settings
        for key in given:
            if key not in settings:
                known = did_you_mean(str(key), settings) if settings else "it has no settings"
                raise ConfigError(f"{section}.{key}: {self.name} has no setting {key!r}", known)
        plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in given.items()}
        fix = f"the defaults are {settings}"
        return dict(validated(self.settings_class, plain, under=f"{section}.", fix=fix))

    def require(self, batch: Batch) -> None:
        """Raises MissingField if the batch lacks a field that this entry needs."""
        for field in self.needs:
            if batch.get(field) is None:
                raise MissingField(
                    f"{self.kind} {self.name!r} needs the batch field {field!r}, which is missing",
                    f"the batch holds {', '.join(sorted(batch)) or 'nothing'}",
                )


def check_alpha(alpha: float) -> float:
    """Returns alpha, or raises ConfigError unless 0 <= alpha < 1: from 1 on, a negative advantage would change its sign."""
    try:
        inside = bool(0 <= alpha < 1)
    except (TypeError, ValueError, RuntimeError):  # the last is torch's, of several numbers
        raise ConfigError(
            f"alpha is {alpha!r}, no number", "give a number in [0, 1); the paper uses alpha=0.2"
        ) from None
    if not inside:
        raise ConfigError(
            f"alpha is {alpha}, it must lie in [0, 1): from 1 on, penalties on planning tokens would turn into rewards",
            "the paper uses alpha=0.2",
        )
    return alpha


Alpha = Annotated[float, AfterValidator(check_alpha)]
