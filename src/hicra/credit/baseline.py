"""A baseline turns rewards into advantages, one a rollout or one a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hicra.arrays import Array
from hicra.credit.border import check_result, check_rows, exact_ids, fields, returned_as, scored
from hicra.credit.entry import Batch, Entry
from hicra.errors import DataError


@dataclass(frozen=True)
class Baseline(Entry):
    """Turns rewards into advantages: `baseline(rewards [B], group_ids [B], batch=None, **settings) -> [B] or [B,T]`.

    The result is numpy or torch as the rewards are, with their dtype and device. `function` gets float64 rewards (NaN where a
    rollout is unscorable), group ids as a numpy array, equal exactly where those given were (`exact_ids`), and the fields of the
    batch that it needs as checked numpy arrays. An unscorable rollout gets 0. A baseline that gives one advantage a token needs
    response_mask, and what it returns outside of it is replaced by 0.
    """

    kind: ClassVar[str] = "baseline"
    section: ClassVar[str] = "baseline.settings"

    def __call__(self, rewards: Any, group_ids: Any, batch: Batch | None = None, **settings: Any) -> Any:
        """Computes the advantages.

        Raises:
            ConfigError: a setting is unknown or refused.
            MissingField: the batch lacks a field.
            DataError: the lengths differ, a reward is infinite or a group id is missing (the message names the row), a field has
                another shape, or the function gave another shape, or a number that is not finite.
        """
        chosen = self.checked(settings)
        self.require(batch or {})
        values, ids = scored(rewards), exact_ids(group_ids)
        if values.ndim != 1 or ids.shape != values.shape:
            raise DataError(
                f"rewards {values.shape} and group_ids {ids.shape} must have one shape [B]",
                "give one group id per reward",
            )
        arrays = fields(batch or {}, self.needs)
        live = arrays.get("response_mask")
        if live is not None:
            check_rows(live, len(values))
        made: Array = self.function(values, ids, arrays, **chosen)
        if np.ndim(made) == 2 and live is not None:
            check_result(made, live.shape, live, f"{self.kind} {self.name!r}")
            made = np.where(live, made, 0.0)
        else:
            check_result(made, values.shape, None, f"{self.kind} {self.name!r}")
        return returned_as(made, rewards)
