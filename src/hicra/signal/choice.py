"""Names the parameters whose gradients are measured; without torch, so that a wrong name is known before it is loaded."""

from __future__ import annotations

import re

from hicra.errors import ConfigError

CHOICE = re.compile(r"all|(last|lora):([1-9][0-9]*)")


def check_choice(choice: str) -> tuple[str, int]:
    """Returns (`all`, 0), (`last`, K) for the last K layers, or (`lora`, R) for adapters of rank R.

    Raises:
        ConfigError: the choice is none of these.
    """
    match = CHOICE.fullmatch(choice)
    if match is None:
        raise ConfigError(
            f"parameters is {choice!r}",
            "give all, last:K as in last:2 for the last two layers, or lora:R as in lora:8 for adapters of rank 8",
        )
    return match[1] or "all", int(match[2] or 0)
