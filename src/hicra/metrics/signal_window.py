"""The share of the signal on planning tokens over the last measured steps of a run (REPORT-6 says why sums are divided)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

WINDOW = 10
PLANNING, EXECUTION = "hicra/signal_planning", "hicra/signal_execution"


def share(planning: float, execution: float) -> float | None:
    """Returns planning over both; None where both together are not above 0.

    >>> share(3.0, 1.0), share(-2.0, 1.0)
    (0.75, None)
    """
    both = planning + execution
    return planning / both if both > 0 else None


class SignalWindow:
    """The last `WINDOW` measured steps of a run, fed step by step.

    Attributes:
        measured: how many of them there are.
    """

    def __init__(self) -> None:
        self._steps: deque[tuple[float, float]] = deque(maxlen=WINDOW)

    def add(self, row: Mapping[str, Any]) -> None:
        """Takes the metrics of a step; one that was not measured changes nothing."""
        planning, execution = row.get(PLANNING), row.get(EXECUTION)
        if isinstance(planning, int | float) and isinstance(execution, int | float):
            self._steps.append((planning, execution))

    @property
    def measured(self) -> int:
        return len(self._steps)

    @property
    def share(self) -> float | None:
        """The planning share of the sums; None where nothing was measured, or the sums are not above 0."""
        return share(sum(one for one, _ in self._steps), sum(one for _, one in self._steps))
