"""Answers JSON lines in the child of `child.py`: one line in, one line out, under limits, until standard input ends.

After the imports it gives up what it will not need: it cannot write a byte into any file, has a bounded address space and
leaves no core dump. CPU time is limited request by request, so that a child in an endless loop does not outlive its caller
for long.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

Answer = Callable[[dict[str, Any]], dict[str, Any]]


def serve(prepare: Callable[[], Answer], memory_mb: int) -> None:
    """Serves until standard input ends. Replies leave on a copy of standard output that nothing else can write to.

    Args:
        prepare: imports what is needed and returns the function from request to reply; the caller is told of an ImportError.
        memory_mb: largest address space of this process, in MiB.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C goes to the whole group; the caller decides
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    try:
        answer = prepare()
    except ImportError as error:
        replies.write(json.dumps({"missing": str(error)}).encode() + b"\n")
        return
    limits(memory_mb)
    replies.write(b'{"ready": true}\n')
    for line in sys.stdin.buffer:
        replies.write(json.dumps(answer(json.loads(line))).encode() + b"\n")


def limits(memory_mb: int) -> None:
    """Limits memory, files and core dumps of this process, where the system has such limits."""
    try:
        import resource
    except ImportError:  # Windows
        return
    size = memory_mb * 2**20
    for what, bound in (("RLIMIT_AS", size), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0), ("RLIMIT_NOFILE", 64)):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, what), (bound, bound))


def cpu_limit(seconds: float) -> None:
    """Lets the kernel end this process once it has taken that much more CPU time, rounded up to whole seconds."""
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        used = time.process_time()
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + seconds), hard))
