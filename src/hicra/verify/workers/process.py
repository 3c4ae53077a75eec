"""A worker of the verifier as the pool sees it: starting, idle, or busy with one item since some time."""

from __future__ import annotations

import time
from typing import Any

from hicra.errors import EngineError
from hicra.workers.child import LineProcess

_CODE = "from hicra.verify.workers.worker import main;main(*arguments)"


class Process(LineProcess):
    """A worker: `starting` until its first line, then `idle` or `busy` with one item."""

    def __init__(self, memory_mb: int, timeout: float) -> None:
        super().__init__(_CODE, (memory_mb, timeout))
        self.timeout = timeout
        self.state, self.since, self.item = "starting", time.monotonic(), -1

    def send(self, item: int, request: dict[str, Any]) -> bool:
        """Hands it an item; False where it is gone, or does not read within the time of an item."""
        if not self.write({"id": item, **request}, self.timeout):
            return False
        self.state, self.item, self.since = "busy", item, time.monotonic()
        return True

    def receive(self) -> dict[str, Any] | None:
        """A finished reply, or None where there is none yet.

        Raises:
            EOFError: it is gone.
            EngineError: it misses math-verify.
        """
        reply = self.read()
        if reply is not None and "missing" in reply:
            raise missing(reply["missing"])
        return reply


def missing(what: str) -> EngineError:
    """The error for an absent extra."""
    return EngineError(
        f"these answers need algebra, and math-verify is not there ({what})", "install it: pip install 'hicra[verify]'"
    )
