"""Credit assignment has three parts, each chosen by name: a baseline, shapers (the credit methods) and a loss.

    from hicra import credit
    credit.METHODS["hicra"](advantages, batch, alpha=0.2)        # the shaped advantages [B,T]

A baseline turns rewards into advantages, a shaper changes them token by token, and a loss turns them into one number. The tables
are BASELINES in `baselines/`, METHODS in `shapers/` and LOSSES in `losses/`; `entry.py` says what an entry is, and
`assignment.py` puts three of them together. To add one, write a small file in its folder and one line in the table of that
folder's `__init__.py`; one of your own needs neither (`own.py`).
"""

from __future__ import annotations

from typing import Any

from hicra.credit.assignment import Assignment, assign, choose
from hicra.credit.baseline import Baseline
from hicra.credit.baselines import BASELINES, group_advantages
from hicra.credit.loss import Loss
from hicra.credit.losses import LOSSES
from hicra.credit.method import Method
from hicra.credit.own import register
from hicra.credit.presets import PRESETS, CreditPreset
from hicra.credit.shapers import METHODS
from hicra.credit.shapers.hicra import hicra

__all__ = [
    "BASELINES",
    "LOSSES",
    "METHODS",
    "PRESETS",
    "Assignment",
    "Baseline",
    "CreditPreset",
    "Loss",
    "Method",
    "assign",
    "get_method",
    "group_advantages",
    "hicra",
    "register",
]


def get_method(name: str, settings: dict[str, Any] | None = None) -> Method:
    """Returns the method of that name after checking its settings.

    Raises:
        ConfigError: the method or a setting is unknown, or a value is refused.
    """
    return choose(Method, name, settings, "method.name").entry
