"""Credit assignment: a baseline (rewards -> A), then a shaper (A, batch -> A), then a loss, each by name.

    from hicra import credit
    credit.METHODS["hicra"](advantages, batch, alpha=0.2)        # [B,T]; a shaper is a method of credit

Three tables, one entry a line: `baselines/` has BASELINES, `shapers/` METHODS, `losses/` LOSSES. `entry.py` says what an
entry is. To add one: a small file in its folder, and one line in the table of that folder's `__init__.py`.
"""

from __future__ import annotations

from typing import Any

from hicra.credit.baselines import BASELINES, group_advantages
from hicra.credit.entry import Baseline, Loss, Method
from hicra.credit.losses import LOSSES
from hicra.credit.shapers import METHODS
from hicra.credit.shapers.hicra import hicra
from hicra.errors import ConfigError, did_you_mean

__all__ = ["BASELINES", "LOSSES", "METHODS", "Baseline", "Loss", "Method", "get_method", "group_advantages", "hicra"]


def get_method(name: str, settings: dict[str, Any] | None = None) -> Method:
    """The method of that name, its settings checked.

    Raises:
        ConfigError: unknown method or setting.
    """
    if name not in METHODS:
        raise ConfigError(f"method.name: no method {name!r}", did_you_mean(name, METHODS))
    METHODS[name].checked(settings or {})
    return METHODS[name]
