"""What several processes of one training must agree on: they are compared once at the start, and a stop is asked of all at once.

A process with another lexicon, method or config would train on other advantages than the rest, and nothing would look wrong.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object

from hicra.errors import EngineError

SHOWN = 60  # characters of a value in a message


def refuse_different(of_this_rank: Mapping[str, str | None]) -> None:
    """Raises EngineError on every process if what they were given differs; all of them must call it at the same place.

    Args:
        of_this_rank: what must be equal, by the name for the message: hashes, or short texts.
    """
    if PartialState().num_processes == 1:
        return
    first, *others = gather_object([dict(of_this_rank)])
    for rank, other in enumerate(others, 1):
        for name in first.keys() | other.keys():
            if first.get(name) != other.get(name):
                raise EngineError(
                    f"the processes train with different things: {name} is {_shown(first.get(name))} on rank 0 and "
                    f"{_shown(other.get(name))} on rank {rank}",
                    "start every process with the same command, and let all of them read the same files",
                )


def of_first_rank(value: Any) -> Any:
    """Returns the value that rank 0 has; all processes must call it at the same place."""
    if PartialState().num_processes == 1:
        return value
    return broadcast_object_list([value], from_process=0)[0]


def largest(number: int) -> int:
    """Returns the largest number that a process has; all of them must call it at the same place."""
    return number if PartialState().num_processes == 1 else max(gather_object([number]))


def leave_at_exit() -> None:
    """Lets the process leave its group before the interpreter ends, since the threads of the group must not outlive it."""
    if torch.distributed.is_initialized():
        atexit.register(_leave)


def _leave() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _shown(value: str | None) -> str:
    return "absent" if value is None else repr(value if len(value) <= SHOWN else f"{value[:SHOWN]}...")
