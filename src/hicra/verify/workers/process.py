"""One worker process as the caller sees it: start, send, receive, kill. No signal handler, no thread, no multiprocessing."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import subprocess
import sys
import time
from typing import Any

from hicra.errors import EngineError

KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
SET = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
START_S = 120.0  # imports on a machine that is very busy; never counted against an answer
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
_CODE = "import json,sys;a=json.loads(sys.argv[1]);sys.path[:]=a[0];from hicra.verify.workers.worker import main;main(a[1],a[2])"


def environment() -> dict[str, str]:
    """What a worker sees of the caller's environment: the allowlist `KEPT`, and what makes it deterministic."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | SET


class Process:
    """A worker: `starting` until its first line, then `idle` or `busy` with one item.

    It speaks over a socket pair, not over pipes: a write to a worker that has just died must not raise SIGPIPE in a caller
    that has set that signal to its deadly default.
    """

    def __init__(self, memory_mb: int, timeout: float) -> None:
        argument = json.dumps([[entry for entry in sys.path if entry], memory_mb, timeout])
        self.socket, theirs = socket.socketpair()
        with theirs:
            self.child = subprocess.Popen(
                [sys.executable, "-P", "-s", "-B", "-c", _CODE, argument],
                stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL, env=environment(),
            )  # fmt: skip
        self.socket.setblocking(False)
        self.timeout = timeout
        self.state, self.since, self.item = "starting", time.monotonic(), -1
        self.received = b""

    def fileno(self) -> int:
        """Of the socket that its replies arrive on."""
        return self.socket.fileno()

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.child.poll() is None

    def send(self, item: int, request: dict[str, Any]) -> bool:
        """Hands it an item; False where it is gone, or does not read within the time of an item."""
        data = json.dumps({"id": item, **request}, ensure_ascii=True).encode() + b"\n"
        end = time.monotonic() + self.timeout
        while data:
            try:
                data = data[self.socket.send(data, _NO_SIGNAL) :]
            except BlockingIOError:
                if not self._writable(end - time.monotonic()):
                    return False
            except OSError:
                return False
        self.state, self.item, self.since = "busy", item, time.monotonic()
        return True

    def _writable(self, seconds: float) -> bool:
        with selectors.DefaultSelector() as selector:  # select() itself knows no descriptor past 1,023
            selector.register(self.socket, selectors.EVENT_WRITE)
            return bool(selector.select(max(0.0, seconds)))

    def receive(self) -> dict[str, Any] | None:
        """A finished reply, or None where there is none yet.

        Raises:
            EOFError: it is gone.
            EngineError: it misses math-verify.
        """
        try:
            block = self.socket.recv(65536)
        except BlockingIOError:
            return None
        except OSError:
            raise EOFError from None
        if not block:
            raise EOFError
        self.received += block
        if not self.received.endswith(b"\n"):
            return None
        reply: dict[str, Any] = json.loads(self.received)
        self.received = b""
        if "missing" in reply:
            raise missing(reply["missing"])
        return reply

    def kill(self) -> None:
        """Ends and reaps it, whatever it does."""
        with contextlib.suppress(OSError):
            self.child.kill()
        self.socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(5)


def missing(what: str) -> EngineError:
    """The error for an absent extra."""
    return EngineError(
        f"these answers need algebra, and math-verify is not there ({what})", "install it: pip install 'hicra[verify]'"
    )
