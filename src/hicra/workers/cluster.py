"""Runs tasks on a Ray cluster as `pool` runs them in processes of this machine: results in order, a bounded number under way.

A running cluster is used where there is one (`ray.init` was called, or RAY_ADDRESS is set); else one of so many CPUs is started
here and ended after. docs/how-to/mine-on-ray.md says how to run it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hicra.errors import ConfigError
from hicra.install import install_command
from hicra.workers.pool import AHEAD, ONE_THREAD, Reply, WorkerDied, failure, result_of
from hicra.workers.signals import kept

OBJECT_STORE = 2**29  # bytes of shared memory of a cluster started here; Ray spills to disk past it
KNOCK_S = 10.0
SETTINGS = b"\4"
HELLO = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + SETTINGS + b"\0" * 5
)  # RFC 9113, 3.4: the preface, and no settings
START_S = 600.0  # so long may the first worker take until it is ready


def import_ray(data: bool = False) -> Any:
    """Returns the module of Ray, with Ray Data or without. Raises ConfigError where it is not installed."""
    try:
        import ray

        if data:
            import ray.data
    except ImportError as error:
        raise ConfigError(
            f"backend 'ray' needs a package that is not installed: {error.name}",
            f"{install_command('ray')}, or use --backend local",
        ) from None
    return ray


def check_ray() -> Any:
    """Returns the module of Ray. Raises ConfigError where it is not installed, or nothing listens at RAY_ADDRESS."""
    ray = import_ray()
    if (address := os.environ.get("RAY_ADDRESS")) and not ray.is_initialized():
        _refuse_silent(address)
    return ray


def connect(workers: int) -> bool:
    """Connects to Ray where this process is not connected yet; returns whether it did, so that it is the one to end it.

    Args:
        workers: number of CPUs of the cluster that is started where none is running; a running one is used as it is.

    Raises:
        ConfigError: Ray is not installed, does not start, or no cluster answers at RAY_ADDRESS.
    """
    ray = check_ray()
    if ray.is_initialized():
        return False
    address = os.environ.get("RAY_ADDRESS")
    local: dict[str, Any] = {}
    if not address:
        local = {"address": "local", "num_cpus": workers, "object_store_memory": OBJECT_STORE}
        local |= {"include_dashboard": False}
    try:
        with kept(signal.SIGTERM):  # Ray's own handler prints a stack and aborts this process
            ray.init(**local, log_to_driver=False, logging_level=logging.ERROR)
    except (RuntimeError, ConnectionError, OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        if address:
            raise _no_cluster(address, reason) from None
        raise ConfigError(
            f"Ray does not start: {reason}",
            "a port that is in use or a full /dev/shm prevents it (`ray stop` ends what was left behind); --backend local "
            "does the same without Ray",
        ) from None
    return True


def _refuse_silent(address: str) -> None:
    """Raises ConfigError where nothing listens at host:port, or something that is no Ray; Ray itself would try for minutes.

    A cluster answers in HTTP/2, where a server's first frame is of type SETTINGS.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # "auto" and the like, which Ray answers at once
    try:
        with socket.create_connection((host.strip("[]"), int(port)), KNOCK_S) as knock:
            if os.environ.get("RAY_USE_TLS", "0").lower() not in ("0", "false"):
                return  # which answers in cipher
            knock.sendall(HELLO)
            first = knock.recv(9)
    except TimeoutError:
        raise _no_cluster(address, f"no answer within {KNOCK_S:g} s") from None
    except (OSError, UnicodeError) as error:  # the last is a name that no host can have
        raise _no_cluster(address, str(error)) from None
    if first[3:4] != SETTINGS:
        raise _no_cluster(address, "something else listens there")


def _no_cluster(address: str, reason: str) -> ConfigError:
    return ConfigError(
        f"no Ray cluster answers at RAY_ADDRESS={address}: {reason}",
        "start one with `ray start --head`, mend the address, or unset RAY_ADDRESS for a Ray of this machine alone",
    )


@contextlib.contextmanager
def cluster(workers: int) -> Iterator[Any]:
    """Yields the module of Ray, connected as `connect` does; a cluster that was started for it is ended after."""
    started = connect(workers)
    ray = import_ray()
    try:
        yield ray
    finally:
        if started:
            ray.shutdown()


class _Worker:
    """Does one task after another in a process of the cluster."""

    def __init__(self, make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
        os.environ.update(ONE_THREAD)
        self.made: Reply
        try:
            self.made = "ok", make(*arguments)
        except Exception as error:
            self.made = failure(error)

    def ready(self) -> Reply:
        """Says whether the work was made."""
        return self.made if self.made[0] != "ok" else ("ok", None)

    def work(self, task: Any) -> Reply:
        """Does a task."""
        try:
            return "ok", self.made[1](task)
        except Exception as error:
            return failure(error)


def ordered_on_ray(
    ray: Any, make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...], tasks: Iterable[Any], workers: int
) -> Iterator[Any]:
    """Yields the results of tasks, in their order, as `pool.ordered` does.

    Args:
        ray: what `cluster` yields.
        make, arguments, tasks: as for `pool.ordered`; `make` is called once in each worker.
        workers: number of workers, at most one for each CPU of the cluster.

    Raises:
        WorkerDied: a process or a node ended before its work did.
        HicraError: what `make` or a task raised, or no worker gets a CPU; RuntimeError with the traceback for any other
            exception.
    """
    cpus = int(ray.cluster_resources().get("CPU", 1))
    kind = ray.remote(num_cpus=1)(_Worker)
    given_to_all = ray.put(arguments)
    actors = [kind.remote(make, given_to_all) for _ in range(max(1, min(workers, cpus)))]
    try:
        yield from _Orders(ray, actors).run(iter(tasks))
    finally:
        for actor in actors:
            ray.kill(actor)


class _Orders:
    """Gives tasks to workers that are idle, and their results back in order."""

    def __init__(self, ray: Any, actors: list[Any]) -> None:
        self.ray = ray
        self.under_way: dict[Any, tuple[Any, int | None]] = {actor.ready.remote(): (actor, None) for actor in actors}
        self.most = AHEAD * len(actors)
        self.idle: list[Any] = []
        self.done: dict[int, Any] = {}

    def run(self, tasks: Iterator[Any]) -> Iterator[Any]:
        given = wanted = 0
        more, begun = True, False
        while True:
            while more and self.idle and given - wanted < self.most:
                try:
                    task = next(tasks)
                except StopIteration:
                    more = False
                    break
                actor = self.idle.pop()
                self.under_way[actor.work.remote(task)] = actor, given
                given += 1
            if wanted in self.done:
                yield self.done.pop(wanted)
                wanted += 1
                continue
            if not more and given == wanted:
                return
            self._wait(None if begun else START_S)
            begun = True

    def _wait(self, seconds: float | None) -> None:
        """Waits for an answer, and notes it."""
        ready, _ = self.ray.wait(list(self.under_way), timeout=seconds)
        if not ready:
            raise ConfigError(
                f"no worker of the Ray cluster was ready after {seconds:.0f} s",
                "`ray status` shows whether CPUs are free; others may hold them all",
            )
        for ref in ready:
            actor, number = self.under_way.pop(ref)
            try:
                answer = result_of(self.ray.get(ref))
            except self.ray.exceptions.RayError as error:
                raise WorkerDied(
                    f"a worker of the Ray cluster died: {str(error).strip().partition(chr(10))[0]}; nothing was written",
                    "run it again; where memory ran out, use fewer workers",
                ) from None
            if number is not None:
                self.done[number] = answer
            self.idle.append(actor)
