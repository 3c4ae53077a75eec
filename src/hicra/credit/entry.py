"""An entry in a table of credit is a function with its name, its settings, the fields that it needs and its source.

A baseline turns rewards into advantages, a shaper (here: a method) changes advantages, a loss turns them into a number.
Each is a plain function. Its settings are its keyword-only arguments: their types, bounds and defaults stand in its
signature alone, and the class that checks them is made from that signature.

Numpy or torch comes in, and the same kind, dtype (bfloat16 too) and device goes out (`border.py`).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, ConfigDict, create_model

from hicra.arrays import as_flags, as_numpy, as_token_ids
from hicra.credit.border import (
    array_of,
    cast,
    check_entropies,
    check_shapes,
    exact_ids,
    floats,
    like,
    returned_as,
    scored,
    widened,
)
from hicra.errors import ConfigError, DataError, MissingField, UnknownName, did_you_mean
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
    """

    name: str
    function: Callable[..., Any]
    source: str
    needs: tuple[str, ...] = ()
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

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Checks the given settings and returns all settings, with defaults for those that are not given.

        Raises:
            ConfigError: this entry does not have a setting, or refuses its value.
        """
        for key in given:
            if key not in self.settings:
                known = did_you_mean(key, self.settings) if self.settings else "it has no settings"
                raise ConfigError(f"{self.section}.{key}: {self.name} has no setting {key!r}", known)
        plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in given.items()}
        fix = f"the defaults are {self.settings}"
        return dict(validated(self.settings_class, plain, under=f"{self.section}.", fix=fix))

    def require(self, batch: Batch) -> None:
        """Raises MissingField if the batch lacks a field that this entry needs."""
        for field in self.needs:
            if batch.get(field) is None:
                raise MissingField(
                    f"{self.kind} {self.name!r} needs the batch field {field!r}, which is missing",
                    f"the batch holds {', '.join(sorted(batch)) or 'nothing'}",
                )


@dataclass(frozen=True)
class Method(Entry):
    """One way to shape advantages: `method(advantages [B] or [B,T], batch, **settings) -> [B,T]`.

    The result is numpy or torch as the advantages are, with their dtype and device; the input is not changed. `function` is
    `(A [B,T], batch of arrays, *, settings...) -> A'` in numpy; what it returns outside response_mask is replaced by A.

    Attributes:
        scope: "row" if a row's result depends on that row alone, "batch" if it depends on groups or quantiles; an engine
            with several processes must then shape the whole batch at once.
        changes: which advantages the method changes. "nothing": none. "planning": exactly those of planning tokens, if they
            are not 0 and the strength is not 0. "any": it depends. An engine checks the first two while it trains.
        strength: the setting that turns the method off at 0, or None.
    """

    scope: Literal["row", "batch"] = "row"
    changes: Literal["nothing", "planning", "any"] = "any"
    strength: str | None = None
    kind: ClassVar[str] = "shaper"
    section: ClassVar[str] = "method.settings"

    def __call__(self, advantages: Any, batch: Batch, **settings: Any) -> Any:
        """Shapes the advantages.

        Raises:
            ConfigError: a setting is unknown or refused.
            MissingField: the batch lacks a field.
            DataError: the advantages or a field have another shape, a mask holds what is neither 0 nor 1, a group id is
                missing, a policy token has no finite entropy, or its token id is no whole number.
        """
        chosen = self.checked(settings)
        self.require(batch)
        arrays = {field: (exact_ids if field == "group_ids" else as_numpy)(batch[field]) for field in self.needs}
        live = arrays["response_mask"] = as_flags(arrays["response_mask"], "response_mask")
        check_shapes(arrays, live.shape)
        if "planning_mask" in arrays:
            arrays["planning_mask"] = as_flags(arrays["planning_mask"], "planning_mask", live)
        if "entropies" in arrays:
            check_entropies(arrays["entropies"], live)
        if "response_ids" in arrays:
            arrays["response_ids"] = as_token_ids(arrays["response_ids"], live, "response_ids")
        given = widened(floats(as_numpy(advantages)), live.shape, "response_mask")
        clean = np.where(live, given, np.zeros((), given.dtype))  # values under the padding must not matter
        shaped = self.function(clean, arrays, **chosen)
        return returned_as(np.where(live, shaped, given).astype(given.dtype, copy=False), advantages)


@dataclass(frozen=True)
class Baseline(Entry):
    """Turns rewards into advantages: `baseline(rewards [B], group_ids [B], batch=None, **settings) -> [B]`.

    The result is numpy or torch as the rewards are, with their dtype and device. `function` gets float64 rewards (NaN where a
    rollout is unscorable) and group ids as a numpy array, equal exactly where those given were (`exact_ids`).
    """

    kind: ClassVar[str] = "baseline"
    section: ClassVar[str] = "baseline.settings"

    def __call__(self, rewards: Any, group_ids: Any, batch: Batch | None = None, **settings: Any) -> Any:
        """Computes the advantages.

        Raises:
            ConfigError: a setting is unknown or refused.
            MissingField: the batch lacks a field.
            DataError: the lengths differ, a reward is infinite or a group id is missing (the message names the row).
        """
        chosen = self.checked(settings)
        self.require(batch or {})
        values, ids = scored(rewards), exact_ids(group_ids)
        if values.ndim != 1 or ids.shape != values.shape:
            raise DataError(
                f"rewards {values.shape} and group_ids {ids.shape} must have one shape [B]",
                "give one group id per reward",
            )
        return returned_as(self.function(values, ids, batch, **chosen), rewards)


@dataclass(frozen=True)
class Loss(Entry):
    """Turns advantages into the number that is minimised: `loss(logps, old_logps, advantages, mask, **settings)`, all [B,T].

    The number is numpy or torch as `logps` is, with its dtype and device, and a gradient flows back to `logps`.
    """

    kind: ClassVar[str] = "loss"
    section: ClassVar[str] = "loss.settings"

    def __call__(self, logps: Any, old_logps: Any, advantages: Any, mask: Any, **settings: Any) -> Any:
        """Computes the loss.

        Raises:
            ConfigError: a setting is unknown or refused.
            DataError: the four have different shapes, are not [B,T], or the mask holds what is neither 0 nor 1.
        """
        chosen = self.checked(settings)
        logps = array_of(logps)
        given = {"logps": logps, "old_logps": old_logps, "advantages": advantages, "mask": as_flags(mask, "mask")}
        arrays = [like(value, logps) for value in given.values()]
        for name, array in zip(given, arrays, strict=True):
            if array.shape != logps.shape or array.ndim != 2:
                raise DataError(
                    f"{name} {tuple(array.shape)} and logps {tuple(logps.shape)} must both be [B,T]",
                    f"give {name} for each token",
                )
        return cast(self.function(*arrays, **chosen), logps)


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
