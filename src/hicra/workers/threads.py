"""Runs work on arrays in several threads: numpy gives the interpreter's lock back while it computes, so threads share the cores.

How many there are is what users of numpy and torch expect: the caller's number, else the environment variable
OMP_NUM_THREADS (torchrun and Ray set it to 1 for a process that is one of many), else the cores that this process may use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from numbers import Integral
from typing import Any, TypeVar

from hicra.errors import ConfigError

MOST = (
    8  # of its own accord: between two calls of numpy a thread needs the lock, so many more of them wait for each other
)
VARIABLE = "OMP_NUM_THREADS"

Item = TypeVar("Item")


def thread_count(threads: int | None = None) -> int:
    """Returns a number of threads: `threads`, else OMP_NUM_THREADS, else the cores of this process (at most `MOST`).

    Raises:
        ConfigError: `threads` is no whole number of 1 or more, or OMP_NUM_THREADS does not begin with one.
    """
    if threads is not None:
        if isinstance(threads, bool) or not isinstance(threads, Integral) or threads < 1:
            raise ConfigError(
                f"threads is {threads!r}", f"give 1 or more, or None for {VARIABLE} or the cores of this process"
            )
        return int(threads)
    given = os.environ.get(VARIABLE, "").partition(",")[0].strip()  # OpenMP takes a list, a number a level of nesting
    if given:
        if not given.isdecimal() or int(given) < 1:
            raise ConfigError(f"{VARIABLE} is {os.environ[VARIABLE]!r}", f"set {VARIABLE}=1 or more, or unset it")
        return int(given)
    return min(MOST, usable_cores())


def usable_cores() -> int:
    """Returns the number of cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(work: Callable[[Item], Any], items: Sequence[Item], threads: int) -> Iterator[Any]:
    """Yields `work(item)` for each item, in their order; the first error, in that order, is raised and ends the rest."""
    threads = min(threads, len(items))
    if threads <= 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads, "hicra") as pool:
        yield from pool.map(work, items)
