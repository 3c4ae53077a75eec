"""The worker as this process sees it: started when needed, one request at a time, replaced when it dies, ended at exit."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from typing import Any

from hicra.errors import EngineError
from hicra.tasks.reasoning_gym import seccomp
from hicra.workers.child import environment

START_S = 180.0  # imports on a machine that is very busy
GENERATE_S = 120.0
WALL_FACTOR = 5  # wall seconds for a CPU second of scoring
_CODE = "import json,sys;sys.path[:]=json.loads(sys.argv[1]);from hicra.tasks.reasoning_gym.worker import main;main()"
_FIX = "pip install reasoning-gym"


class Sandbox:
    """One worker. Safe on any thread; installs no signal handler."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """The reply to a request, or None where the worker died or was late; then the next request gets a new one.

        Raises:
            EngineError: reasoning-gym is not installed, the system has no seccomp, or no worker can be started.
        """
        with self._lock:
            if self._owner != os.getpid():  # we are a fork: that worker is not ours
                self._child, self._owner = None, os.getpid()
            child = self._child if self._child is not None and self._child.poll() is None else self._started()
            try:
                assert child.stdin is not None
                child.stdin.write(json.dumps(request, ensure_ascii=True).encode() + b"\n")
                reply = _line(child, seconds)
            except OSError:
                reply = None
            except BaseException:
                self._end()  # a late reply must never answer a later question
                raise
            if reply is None:
                self._end()
            return reply

    def close(self) -> None:
        """Ends the worker."""
        with self._lock:
            if self._owner == os.getpid():
                self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        self._end()
        if not seccomp.supported():
            raise EngineError(
                "scoring of reasoning_gym needs a system call filter (seccomp), which this system does not have",
                "run it on Linux (x86-64 or arm64), or choose another task",
            )
        path = json.dumps([entry for entry in sys.path if entry])
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-s", "-B", "-c", _CODE, path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(), cwd="/", bufsize=0,
        )  # fmt: skip
        atexit.unregister(self.close)
        atexit.register(self.close)
        ready = _line(self._child, START_S)
        if ready is None or "missing" in ready:
            self._end()
            why = "it did not start" if ready is None else ready["missing"]
            raise EngineError(f"the task reasoning_gym needs the package reasoning-gym ({why})", _FIX)
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(OSError):
            child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(5)


def _line(child: subprocess.Popen[bytes], seconds: float) -> dict[str, Any] | None:
    """The next line of the worker as an object; None where it ends, or the time does."""
    assert child.stdout is not None
    end, data = time.monotonic() + seconds, b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while not data.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not selector.select(left):
                return None
            block = os.read(child.stdout.fileno(), 1 << 16)
            if not block:
                return None
            data += block
    reply: dict[str, Any] = json.loads(data)
    return reply


SANDBOX = Sandbox()
