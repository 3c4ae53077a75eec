"""What a credit method is: a function with the fields it needs and its settings, checked by name on every call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hicra.errors import ConfigError, DataError, MissingField, did_you_mean

Array = NDArray[Any]
Batch = Mapping[str, Any]


@dataclass(frozen=True)
class Method:
    """One way to shape advantages: `method(advantages [B,T], batch, **settings) -> [B,T]`, dtype kept, input untouched.

    Attributes:
        name: its key in `METHODS`.
        function: `(A [B,T], batch of arrays, **settings) -> A'`; what it gives outside response_mask is overwritten by A.
        needs: fields of the batch that must be there.
        source: where the formula stands.
        scope: "row" where a row's result depends on that row alone, "batch" where groups or quantiles matter: an engine
            with several processes must then shape the whole batch at once.
    """

    name: str
    function: Callable[..., Array]
    needs: tuple[str, ...]
    source: str
    scope: str = "row"
    kind: str = "shaper"

    @property
    def settings(self) -> dict[str, Any]:
        """Names and defaults, read off the function's keyword-only arguments."""
        arguments = inspect.signature(self.function).parameters.values()
        return {a.name: a.default for a in arguments if a.kind is a.KEYWORD_ONLY}

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """Raises ConfigError for a setting this method does not have, or a value that it refuses."""
        for key in settings:
            if key not in self.settings:
                known = did_you_mean(key, self.settings) if self.settings else "it has no settings"
                raise ConfigError(f"method.settings.{key}: {self.name} has no setting {key!r}", known)
        nothing = {field: np.zeros((1, 1)) if field != "group_ids" else np.zeros(1) for field in self.needs}
        nothing |= {field: np.zeros((1, 1), bool) for field in ("response_mask", "planning_mask")}
        try:
            self.function(np.zeros((1, 1)), nothing, **settings)  # its own checks of the values
        except TypeError as error:
            raise ConfigError(f"method.settings of {self.name}: {error}", f"the defaults are {self.settings}") from None

    def __call__(self, advantages: Any, batch: Batch, **settings: Any) -> Array:
        if settings:
            self.check_settings(settings)
        for field in self.needs:
            if batch.get(field) is None:
                raise MissingField(
                    f"method {self.name!r} needs the batch field {field!r}, which is missing",
                    f"the batch holds {', '.join(sorted(batch)) or 'nothing'}",
                )
        arrays = {field: as_numpy(batch[field]) for field in self.needs}
        live = arrays["response_mask"] = arrays["response_mask"].astype(bool)
        given = as_numpy(advantages)
        if given.ndim == 1:
            given = np.broadcast_to(given[:, None], live.shape)
        if given.shape != live.shape:
            raise DataError(f"advantages {given.shape} and response_mask {live.shape} differ", "both are [B,T]")
        clean = np.where(live, given, np.zeros((), given.dtype))  # what stands under the padding never matters
        shaped = self.function(clean, arrays, **settings)
        return np.where(live, shaped, given).astype(given.dtype, copy=False)


def as_numpy(value: Any) -> Array:
    """A numpy view or copy of a numpy array, torch tensor or sequence."""
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def check_alpha(alpha: float) -> None:
    """Raises ConfigError unless 0 <= alpha < 1: from 1 on, a negative advantage would change its sign."""
    if not 0 <= alpha < 1:
        raise ConfigError(
            f"alpha is {alpha}, it must lie in [0, 1): from 1 on, penalties on planning tokens would turn into rewards",
            "the paper uses alpha=0.2",
        )
