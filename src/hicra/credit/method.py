"""A shaper, here called a method: it changes advantages token by token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from hicra.arrays import Array, as_numpy
from hicra.credit.border import check_result, fields, floats, returned_as, widened
from hicra.credit.entry import Batch, Entry


@dataclass(frozen=True)
class Method(Entry):
    """One way to shape advantages: `method(advantages [B] or [B,T], batch, **settings) -> [B,T]`.

    The result is numpy or torch as the advantages are, with their dtype and device; the input is not changed. `function` is
    `(A [B,T], batch of arrays, *, settings...) -> A'` in numpy; A is a copy that it may write into, the batch is not, and what it
    returns outside response_mask is replaced by A.

    Attributes:
        scope: "row" if a row's result depends on that row alone, "batch" if it depends on groups or quantiles; an engine
            with several processes must then shape the whole batch at once.
        changes: which advantages the method changes. "nothing": none. "planning": exactly those of planning tokens, if they
            are not 0 and the strength is not 0. "any": it depends. An engine checks the first two while it trains.
        strength: the setting that turns the method off at 0, or None.
        selects: whether it sets the advantage of whole sets of tokens to 0; two such masks in one run mean nothing.
        keeps_sign: whether no advantage changes its sign, whatever the strength is.
        whitens: whether it centres or scales the advantages of the whole batch, which would undo a shaping before it.
    """

    scope: Literal["row", "batch"] = "row"
    changes: Literal["nothing", "planning", "any"] = "any"
    strength: str | None = None
    selects: bool = False
    keeps_sign: bool = False
    whitens: bool = False
    kind: ClassVar[str] = "shaper"
    section: ClassVar[str] = "method.settings"

    def __call__(self, advantages: Any, batch: Batch, **settings: Any) -> Any:
        """Shapes the advantages.

        Raises:
            ConfigError: a setting is unknown or refused.
            MissingField: the batch lacks a field.
            DataError: the advantages or a field have another shape, a mask holds what is neither 0 nor 1, a group id is
                missing, a policy token has no finite entropy, its token id is no whole number, or the function gave another
                shape, or a number that is not finite.
        """
        chosen = self.checked(settings)
        self.require(batch)
        arrays = fields(batch, self.needs)
        live = arrays["response_mask"]
        given = widened(floats(as_numpy(advantages)), live.shape, "response_mask")
        clean = np.where(live, given, np.zeros((), given.dtype))  # values under the padding must not matter
        shaped: Array = self.function(clean, arrays, **chosen)
        check_result(shaped, live.shape, live, f"{self.kind} {self.name!r}")
        return returned_as(np.where(live, shaped, given).astype(given.dtype, copy=False), advantages)
