"""A worker process of the verifier, which is starting, idle, or busy with one item."""

from __future__ import annotations

import time
from typing import Any

from hicra.errors import EngineError
from hicra.install import install_command
from hicra.workers.child import LineProcess

_CODE = "from hicra.verify.workers.worker import main;main(*arguments)"


class Process(LineProcess):
    """A worker, which is `starting` until its first line, and then `idle` or `busy` with one item."""

    def __init__(self, memory_mb: int, timeout: float) -> None:
        super().__init__(_CODE, (memory_mb, timeout))
        self.timeout = timeout
        self.state, self.since, self.item = "starting", time.monotonic(), -1

    def send(self, item: int, request: dict[str, Any]) -> bool:
        """Gives the worker an item; returns False if it is gone, or does not read within the time for an item."""
        if not self.write({"id": item, **request}, self.timeout):
            return False
        self.state, self.item, self.since = "busy", item, time.monotonic()
        return True

    def receive(self) -> dict[str, Any] | None:
        """Returns a finished reply, or None if there is none yet.

        Raises:
            EOFError: the worker is gone.
            EngineError: the worker lacks math-verify.
        """
        reply = self.read()
        if reply is not None and "missing" in reply:
            raise missing(reply["missing"])
        return reply


def missing(what: str) -> EngineError:
    """Makes the error for a missing package."""
    return EngineError(
        f"these answers need algebra, but math-verify is not installed ({what})", install_command("verify")
    )
