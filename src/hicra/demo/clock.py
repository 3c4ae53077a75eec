"""Measures elapsed and CPU seconds by stage, those of child processes included."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Clock:
    """Numbers the stages and times them; `say` gets a line before and after each.

    Args:
        say: is called with one line for the user.
        total: how many stages there are.
    """

    def __init__(self, say: Callable[[str], None], total: int) -> None:
        self.say, self.total = say, total
        self.stages: list[dict[str, Any]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.say(f"[{len(self.stages) + 1}/{self.total}] {name}")
        wall, cpu = time.monotonic(), _cpu()
        yield
        used = {"stage": name, "wall_s": round(time.monotonic() - wall, 1), "cpu_s": round(_cpu() - cpu, 1)}
        self.stages.append(used)
        self.say(f"  {used['wall_s']} s elapsed, {used['cpu_s']} s of CPU")


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
