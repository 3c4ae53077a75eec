"""A pool of worker processes: each has one item at a time and a limit of elapsed time for it, and dead or late ones are replaced.

The calling thread waits, so the pool adds no thread, no signal handler and no alarm to the caller's process. It works on any
thread, beside a running event loop, and in a process that may not have daemonic children. Time counts from when a ready worker
gets the item, without imports and without waiting in the queue. An item that ran out of time, or whose worker died, is tried once
more while no other worker of the pool is at work; then its verdict is `timeout` or `error`.
"""

from __future__ import annotations

import os
import selectors
import time
import weakref
from collections import deque
from typing import Any, NamedTuple

from hicra.errors import EngineError
from hicra.verify.workers.process import Process
from hicra.workers.child import START_S

MAX_FAILED_STARTS = 3


class Outcome(NamedTuple):
    """The verdict of an item, and the seconds of the deciding attempt."""

    verdict: str
    seconds: float


class Pool:
    """At most `workers` processes, which are started when there is work for them.

    Args:
        workers: the most processes.
        timeout: seconds of elapsed time for an item.
        memory_mb: address space of a worker, in MB.
    """

    def __init__(self, workers: int, timeout: float, memory_mb: int) -> None:
        self.workers, self.timeout, self.memory_mb = workers, timeout, memory_mb
        self.processes: list[Process] = []
        self.owner = os.getpid()
        self.failed_starts = 0
        self.finalizer = weakref.finalize(self, _end, self.processes, self.owner)

    def run(self, requests: list[dict[str, Any]]) -> list[Outcome]:
        """Returns the outcomes of requests, in order.

        Raises:
            EngineError: math-verify is not installed, or workers cannot be started.
        """
        if os.getpid() != self.owner:  # this process is a fork, and those workers belong to its parent
            self.processes, self.owner = [], os.getpid()
            self.finalizer = weakref.finalize(self, _end, self.processes, self.owner)
        batch = _Batch(requests)
        try:
            while batch.left:
                self._staff(batch)
                self._give(batch)
                self._listen(batch)
        except BaseException:
            self.close()  # the reply to an unfinished item must never be taken for a later one
            raise
        return [outcome for outcome in batch.outcomes if outcome is not None]

    def close(self) -> None:
        """Ends every process; the pool may be used again."""
        _end(self.processes, self.owner)

    def _staff(self, batch: _Batch) -> None:
        for process in [one for one in self.processes if one.state == "idle" and not one.alive()]:
            self._drop(process)
        wanted = min(self.workers, batch.left)
        while len(self.processes) < wanted:
            self.processes.append(Process(self.memory_mb, self.timeout))

    def _give(self, batch: _Batch) -> None:
        for process in list(self.processes):
            if process.state != "idle":
                continue
            alone = not any(one.state == "busy" for one in self.processes)
            item = batch.next(alone)
            if item is None:
                return
            if not process.send(item, batch.requests[item]):
                batch.back(item)  # the worker died before it got the item, so this was no attempt
                self._drop(process)
                return

    def _listen(self, batch: _Batch) -> None:
        now = time.monotonic()
        ends = [
            one.since + (self.timeout if one.state == "busy" else START_S)
            for one in self.processes
            if one.state != "idle"
        ]
        if not ends:
            return
        with selectors.DefaultSelector() as selector:
            for process in self.processes:
                if process.state != "idle":
                    selector.register(process, selectors.EVENT_READ, process)
            ready = [key.data for key, _ in selector.select(max(0.0, min(ends) - now))]
        for process in ready:
            self._hear(process, batch)
        now = time.monotonic()
        for process in [one for one in self.processes if one not in ready and one.state != "idle"]:
            took = now - process.since
            if process.state == "busy" and took >= self.timeout:
                batch.failed(process.item, "timeout", took)
                self._drop(process)
            elif process.state == "starting" and took >= START_S:
                self._not_started(process)

    def _hear(self, process: Process, batch: _Batch) -> None:
        try:
            reply = process.receive()
        except EOFError:
            if process.state == "starting":
                self._not_started(process)
            else:
                batch.failed(process.item, "error", time.monotonic() - process.since)
                self._drop(process)
            return
        if reply is None:
            return
        if process.state == "starting":
            self.failed_starts = 0
        elif reply.get("verdict") == "error":
            batch.failed(process.item, "error", reply["seconds"])
        else:
            batch.done(process.item, Outcome(reply["verdict"], reply["seconds"]))
        process.state = "idle"

    def _drop(self, process: Process) -> None:
        self.processes.remove(process)
        process.kill()

    def _not_started(self, process: Process) -> None:
        self._drop(process)
        self.failed_starts += 1
        if self.failed_starts >= MAX_FAILED_STARTS:
            self.failed_starts = 0
            raise EngineError(
                f"{MAX_FAILED_STARTS} verifier workers died or took too long before they were ready",
                "use fewer workers if memory ran out; `python -c 'import math_verify'` shows other causes",
            )


class _Batch:
    """The requests of one call, with those that wait, those to try again, and the outcomes so far."""

    def __init__(self, requests: list[dict[str, Any]]) -> None:
        self.requests = requests
        self.outcomes: list[Outcome | None] = [None] * len(requests)
        self.queue = deque(range(len(requests)))
        self.again: deque[int] = deque()  # items to try once more, while no other worker is at work
        self.tried: set[int] = set()
        self.left = len(requests)

    def next(self, alone: bool) -> int | None:
        """Returns the next item: first attempts come first, second ones only while no other worker is at work."""
        if self.queue:
            return self.queue.popleft()
        return self.again.popleft() if alone and self.again else None

    def back(self, item: int) -> None:
        (self.again if item in self.tried else self.queue).appendleft(item)

    def failed(self, item: int, verdict: str, seconds: float) -> None:
        if item in self.tried:
            self.done(item, Outcome(verdict, seconds))
        else:
            self.tried.add(item)
            self.again.append(item)

    def done(self, item: int, outcome: Outcome) -> None:
        self.outcomes[item] = outcome
        self.left -= 1


def _end(processes: list[Process], owner: int) -> None:
    if os.getpid() == owner:
        for process in processes:
            process.kill()
    processes.clear()
