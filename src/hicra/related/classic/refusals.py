"""What PEAR and OPARL both refuse by name: settings out of range, worlds that cannot be made, weights that are not finite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import torch

from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.related.script import SEEDS


def refuse_out_of_range(settings: Any, arms: Sequence[str], **least: float) -> None:
    """Refuses settings that mean nothing.

    Args:
        settings: with an arm, a seed, and a number for each name in `least`.
        arms: the names that there are.
        least: the smallest value of each number.

    Raises:
        ConfigError: there is no such arm, or a number is below its least or not finite.
    """
    if settings.arm not in arms:
        raise ConfigError(f"no arm {settings.arm!r}", did_you_mean(settings.arm, arms))
    if not 0 <= settings.seed <= SEEDS:
        raise ConfigError(f"seed is {settings.seed}", f"give a whole number from 0 to {SEEDS}")
    for name, bound in least.items():
        if not bound <= getattr(settings, name) < math.inf:
            raise ConfigError(f"{name} is {getattr(settings, name)}", f"give a number of at least {bound:g}")


def opened(name: str, fix: str, **given: Any) -> Any:
    """Makes an environment of gymnasium.

    Raises:
        ConfigError: there is none of that name, or it needs something that is not installed; with `fix`.
    """
    try:
        return gym.make(name, **given)
    except gym.error.Error as error:
        raise ConfigError(f"gymnasium cannot make the environment {name!r}: {error}", fix) from None


def refuse_ruined(updates: int, **networks: Any) -> None:
    """Refuses to go on with a network whose weights are not finite.

    Args:
        updates: number of updates that were made.
        networks: by their names.

    Raises:
        DataError: a weight is not finite.
    """
    for name, network in networks.items():
        if not all(bool(torch.isfinite(one).all()) for one in network.parameters()):
            raise DataError(
                f"a weight of the {name} is not finite after {updates} updates",
                "lower the learning rate, or scale the rewards",
            )
