"""Starts a child process that answers JSON lines, writes to it, reads from it and kills it. `serve.py` is the child's side.

The calling thread itself waits. There is no signal handler, no alarm, no thread and no multiprocessing, so it works on any
thread, beside a running event loop, and in a process that may not have daemonic children.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
SET = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
START_S = 120.0  # seconds for the imports on a very busy machine; they never count against an answer
_ARGUMENTS = "import json,sys;sys.path[:],arguments=json.loads(sys.argv[1]);"
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
_OUT_OF_CPU = -signal.SIGXCPU if hasattr(signal, "SIGXCPU") else None


def environment() -> dict[str, str]:
    """Returns what a child sees of the caller's environment: the allowlist `KEPT`, and what makes it deterministic."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | SET


class LineProcess:
    """Runs a fresh interpreter with an environment of its own; its first line says that it is ready, or what is missing.

    It uses a socket pair, not pipes: a write to a child that has just died must not raise SIGPIPE in a caller that has set
    that signal to its default, which would end it.

    Args:
        code: the statement that it runs, which can use the list `arguments`.
        arguments: JSON values.
    """

    def __init__(self, code: str, arguments: Sequence[Any] = ()) -> None:
        given = json.dumps([[entry for entry in sys.path if entry], list(arguments)])
        self.socket, theirs = socket.socketpair()
        with theirs:
            self.child = subprocess.Popen(
                [sys.executable, "-P", "-s", "-B", "-c", _ARGUMENTS + code, given],
                stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL, env=environment(),
            )  # fmt: skip
        self.socket.setblocking(False)
        self.received = b""

    def fileno(self) -> int:
        """Returns the file descriptor of the socket on which replies arrive."""
        return self.socket.fileno()

    def alive(self) -> bool:
        """Says whether the child still runs."""
        return self.child.poll() is None

    def write(self, request: dict[str, Any], seconds: float) -> bool:
        """Sends a request; returns False where the child is gone, or does not read within that time."""
        data = json.dumps(request, ensure_ascii=True).encode() + b"\n"
        end = time.monotonic() + seconds
        while data:
            try:
                data = data[self.socket.send(data, _NO_SIGNAL) :]
            except BlockingIOError:
                if not self._ready(selectors.EVENT_WRITE, end):
                    return False
            except OSError:
                return False
        return True

    def read(self) -> dict[str, Any] | None:
        """Returns a finished reply, or None where there is none yet.

        Raises:
            EOFError: the child is gone.
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
        return reply

    def wait(self, seconds: float) -> dict[str, Any]:
        """Waits for the next reply.

        Raises:
            EOFError: the child is gone.
            TimeoutError: there is none within that time, or the kernel ended the child at its limit of CPU time.
        """
        end = time.monotonic() + seconds
        try:
            while (reply := self.read()) is None:
                if not self._ready(selectors.EVENT_READ, end):
                    raise TimeoutError
        except EOFError:
            self.kill()
            if self.child.returncode == _OUT_OF_CPU:
                raise TimeoutError from None
            raise
        return reply

    def _ready(self, event: int, end: float) -> bool:
        with selectors.DefaultSelector() as selector:  # select() itself takes no descriptor past 1,023
            selector.register(self.socket, event)
            return bool(selector.select(max(0.0, end - time.monotonic())))

    def kill(self) -> None:
        """Ends and reaps the child, whatever it does."""
        with contextlib.suppress(OSError):
            self.child.kill()
        self.socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(5)
