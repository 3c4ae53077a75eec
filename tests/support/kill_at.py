"""Kills a process at the k-th file operation below a folder, as `kill -9` or a power cut would: nothing is cleaned up.

The operations are those that Python audits: files opened for writing, renames, removals, folders made and removed. Each runs in
a forked child, so that a whole save is tried once for every place where it can be cut off.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVENTS = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod")  # os.replace audits os.rename


def killed_at(number: int, folder: Path, work: Callable[[], Any]) -> bool:
    """Runs `work` in a child that dies just before its file operation of that number, from 1; says whether it died."""
    child = os.fork()
    if child == 0:
        count = 0

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal count
            writing = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if not writing and event not in EVENTS:
                return
            if isinstance(arguments[0], str | bytes | os.PathLike) and not os.fsdecode(arguments[0]).startswith(
                str(folder)
            ):
                return  # inside rmtree the names are relative to an open folder, and count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the work failed by itself"
    return os.WIFSIGNALED(status)
