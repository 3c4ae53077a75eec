"""Which process of a training this is, where `torchrun` or `accelerate launch` has started several of the same command.

Both say it by environment variables. One process alone is rank 0 of 1.
"""

from __future__ import annotations

import os

from hicra.errors import ConfigError

AGAIN = "start with `torchrun` or `accelerate launch`, which set it; for one process alone, unset LOCAL_RANK"


def rank() -> int:
    """Returns the number of this process; rank 0 writes the run folder, evaluates and speaks to the user.

    Raises:
        ConfigError: RANK is none of the numbers below WORLD_SIZE.
    """
    number = _variable("RANK", 0)
    if number >= ranks():
        raise ConfigError(f"RANK is {number}, and there are {ranks()} processes (WORLD_SIZE)", AGAIN)
    return number


def ranks() -> int:
    """Returns the number of processes. Raises ConfigError where WORLD_SIZE is no number of 1 or more."""
    count = _variable("WORLD_SIZE", 1)
    if not count:
        raise ConfigError("WORLD_SIZE is 0", AGAIN)
    return count


def shared(rollouts: int, micro_batch: int) -> tuple[int, int]:
    """Shares the rollouts of a step among the processes.

    Args:
        rollouts: number of rollouts of a step.
        micro_batch: rollouts of a forward pass of one process; 0 takes all of its own at once.

    Returns:
        (rollouts of a forward pass, number of forward passes of a process in a step).

    Raises:
        ConfigError: they cannot be shared evenly.

    >>> shared(32, 0), shared(32, 8)
    ((32, 1), (8, 4))
    """
    own, rest = divmod(rollouts, ranks())
    if rest:
        raise ConfigError(
            f"a step has {rollouts} rollouts (train.prompts_per_step x train.group_size), which {ranks()} processes cannot share "
            "evenly",
            f"choose a number that {ranks()} divides, or start another number of processes",
        )
    micro = micro_batch or own
    if own % micro:
        raise ConfigError(
            f"train.micro_batch is {micro}, which does not divide the {own} rollouts of each of {ranks()} processes",
            "set train.micro_batch to a number that does, or to 0 for all at once",
        )
    return micro, own // micro


def _variable(name: str, alone: int) -> int:
    """Returns a number that a launcher has set; LOCAL_RANK is there wherever one has started this process."""
    if "LOCAL_RANK" not in os.environ:
        return alone
    given = os.environ.get(name, str(alone))
    if not given.isdecimal():
        raise ConfigError(f"{name} is {given!r}, no number", AGAIN)
    return int(given)
