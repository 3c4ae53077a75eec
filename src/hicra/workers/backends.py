"""Says where work is done, by name: in processes of this machine, or on a Ray cluster. The results are the same."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from hicra.errors import ConfigError, did_you_mean
from hicra.workers.cluster import check_ray, cluster, ordered_on_ray
from hicra.workers.pool import ordered

BACKENDS = ("local", "ray")

Ordered = Callable[..., Iterator[Any]]


def check_backend(name: str, workers: int) -> None:
    """Raises ConfigError where the backend is unknown, there is no worker, or Ray is asked for and `check_ray` fails."""
    if name not in BACKENDS:
        raise ConfigError(f"no backend {name!r}", did_you_mean(name, BACKENDS))
    if workers < 1:
        raise ConfigError(f"{workers} workers can do nothing", "use --workers 1 or more")
    if name == "ray":
        check_ray()


@contextlib.contextmanager
def backend(name: str, workers: int) -> Iterator[Ordered]:
    """Yields what runs tasks in order: `pool.ordered`, or the same on Ray, called with (make, arguments, tasks, workers).

    Args:
        name: "local" or "ray".
        workers: number of CPUs of a Ray cluster that is started for it, where none is running.

    Raises:
        ConfigError: as for `check_backend`, or Ray does not start.
    """
    check_backend(name, workers)
    if name == "local":
        yield ordered
        return
    with cluster(workers) as ray:
        yield functools.partial(ordered_on_ray, ray)
