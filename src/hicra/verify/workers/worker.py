"""The program of a worker process: it reads items and returns their verdicts; what it reads is data and is never run.

Each item gets a few seconds of CPU time beyond its limit. After them the kernel ends the worker, even if the caller is gone.
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from typing import Any

from hicra.verify.item import decide
from hicra.verify.reading.gold import Gold
from hicra.workers.serve import Answer, cpu_limit, serve

CPU_SPARE_S = 3


def judge(request: dict[str, Any]) -> dict[str, Any]:
    """Judges one request and returns verdict and seconds; any failure is the verdict `error` and never a score."""
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
    """Serves until standard input ends."""

    def prepare() -> Answer:
        from hicra.verify.algebra.ask import warm_up

        warm_up()
        sys.setrecursionlimit(20_000)  # trees are at most `MAX_DEEP` deep, with several frames per level
        return answer

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        cpu_limit(timeout + CPU_SPARE_S)
        return judge(request)

    serve(prepare, memory_mb)
