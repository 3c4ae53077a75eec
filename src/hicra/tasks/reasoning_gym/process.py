"""Manages the worker process: it is started when needed, gets one request at a time, is replaced if it dies, and ends at exit."""

from __future__ import annotations

import atexit
import os
import threading
from typing import Any

from hicra.errors import EngineError
from hicra.tasks.reasoning_gym.refused import VERSION
from hicra.workers.child import LineProcess

GENERATE_S = 120.0
START_S = 600.0  # the package imports some hundred modules: seconds on an idle machine, minutes on a very busy one
_CODE = "from hicra.tasks.reasoning_gym.worker import main;main()"


class Gym:
    """reasoning-gym in a process of its own; it may be used from any thread and installs no signal handler."""

    def __init__(self) -> None:
        self._process: LineProcess | None = None
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Sends a request and returns the reply; if there is none, the next request gets a new worker.

        Raises:
            EngineError: reasoning-gym is not installed, or no worker can be started.
            EOFError: the worker died.
            TimeoutError: the worker took more than its CPU time, or more than `seconds`.
        """
        with self._lock:
            if self._owner != os.getpid():  # this process is a fork, and the worker belongs to its parent
                self._process, self._owner = None, os.getpid()
            process = self._process if self._process is not None and self._process.alive() else self._started()
            try:
                if not process.write(request, seconds):
                    raise EOFError
                return process.wait(seconds)
            except BaseException:
                self._end()  # a late reply must never be taken for the reply to a later request
                raise

    def close(self) -> None:
        """Ends the worker."""
        with self._lock:
            if self._owner == os.getpid():
                self._end()

    def _started(self) -> LineProcess:
        self._end()
        self._process = process = LineProcess(_CODE)
        atexit.unregister(self.close)
        atexit.register(self.close)
        try:
            missing = process.wait(START_S).get("missing")
        except TimeoutError:
            self._end()
            raise EngineError(
                f"the worker of reasoning-gym was not ready after {START_S:.0f} seconds",
                "run it again when the machine is less busy",
            ) from None
        except EOFError:
            missing = "it did not start"
        if missing:
            self._end()
            raise EngineError(
                f"the task reasoning_gym needs the package reasoning-gym {VERSION} ({missing})",
                f"pip install reasoning-gym=={VERSION}",
            )
        return process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._process = None


GYM = Gym()
