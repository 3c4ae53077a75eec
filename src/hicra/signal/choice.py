"""Names the parameters whose gradients are measured; without torch, so that a wrong name is known before it is loaded."""

from __future__ import annotations

import re

from hicra.errors import ConfigError

CHOICE = re.compile(r"all|last:([1-9][0-9]*)")


def check_choice(choice: str) -> int:
    """Returns the number of last layers of `last:K`, or 0 for `all`.

    Raises:
        ConfigError: the choice is neither.
    """
    match = CHOICE.fullmatch(choice)
    if match is None:
        raise ConfigError(f"parameters is {choice!r}", "give all, or last:K as in last:2 for the last two layers")
    return int(match[1] or 0)
