"""A worker process: one JSON line in, one JSON line out, under limits, until its standard input ends.

Started as a fresh interpreter with an environment of its own. After the imports it gives up what it will not need: it
cannot write a byte into any file, has a bounded address space and leaves no core; each item gets a few seconds of CPU
beyond which the kernel ends it, so that it outlives no caller for long. What arrives is data: it is never evaluated.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys
import time
from fractions import Fraction
from typing import Any

from hicra.verify.item import decide
from hicra.verify.reading.gold import Gold

CPU_SPARE_S = 3


def limits(memory_mb: int) -> None:
    """Bounds memory, files and cores of this process, where the system knows such bounds."""
    try:
        import resource
    except ImportError:  # Windows
        return
    size = memory_mb * 2**20
    for what, bound in (("RLIMIT_AS", size), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0), ("RLIMIT_NOFILE", 64)):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, what), (bound, bound))


def cpu_limit(timeout: float) -> None:
    """Lets the kernel end this process when the next item takes much more CPU than its time."""
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        used = time.process_time()
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + timeout + CPU_SPARE_S), hard))


def judge(request: dict[str, Any]) -> dict[str, Any]:
    """The reply to one request: verdict and seconds. Any failure is the verdict `error`, never a score."""
    from hicra.verify.algebra.ask import WorkerAlgebra

    start = time.perf_counter()
    try:
        tolerance = request["tolerance"]
        gold = Gold(
            tuple(request["gold"]), None if tolerance is None else Fraction(tolerance), bool(request["multiple"])
        )
        verdict = decide(request["answer"], gold, request["mode"], WorkerAlgebra()) or "error"
    except (Exception, RecursionError, MemoryError):
        verdict = "error"
    return {"id": request["id"], "verdict": verdict, "seconds": time.perf_counter() - start}


def main(memory_mb: int, timeout: float) -> None:
    """Serves until standard input ends. Replies leave on a copy of standard output that nothing else can write to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C goes to the whole group; the caller decides
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    try:
        from hicra.verify.algebra.ask import warm_up

        warm_up()
    except ImportError as error:
        replies.write(json.dumps({"missing": str(error)}).encode() + b"\n")
        return
    limits(memory_mb)
    sys.setrecursionlimit(20_000)  # trees are at most `MAX_DEEP` deep, some frames a level
    replies.write(b'{"ready": true}\n')
    for line in sys.stdin.buffer:
        cpu_limit(timeout)
        replies.write(json.dumps(judge(json.loads(line))).encode() + b"\n")
