"""Whether accuracy stands still although there is room above it; what several findings ask (FINDING-1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hicra.drawing.readable import decimal, number
from hicra.findings.curves import LEAST_STEPS, Rise, curve, rise
from hicra.findings.finding import Evidence
from hicra.stats import Trend, trend

STILL, SURELY_STILL = 0.1, 0.25  # of what was left to be right: accuracy that closes less of it stands still
LEARNT = 0.5  # of what was left at the start: a run that closed more of it has learnt its task


@dataclass(frozen=True)
class Standstill:
    """The course of accuracy.

    Attributes:
        whole: its end against its start.
        late: the line through the last half of the steps.
    """

    whole: Rise
    late: Trend

    @property
    def closed(self) -> float:
        """How much of what was left to be right at the start the run has closed."""
        return self.whole.change / (1 - self.whole.first) if self.whole.first < 1 else 1.0

    @property
    def holds(self) -> bool:
        """Whether accuracy stands still in the last half, and has not learnt the task."""
        left = max(0.0, 1 - self.late.start)
        still = self.late.change < STILL * left and self.late.high < SURELY_STILL * left
        return still and self.closed < LEARNT

    def text(self) -> str:
        """Says it, with figures."""
        points = [decimal(100 * value, 1) for value in (self.late.change, self.late.low, self.late.high)]
        late = f"change over the last half of the steps: {points[0]} points, 95 % {points[1]} to {points[2]}"
        if self.holds:
            return f"accuracy stands still at {number((self.late.start + self.late.end) / 2, True)} ({late})"
        return f"accuracy went from {number(self.whole.first, True)} to {number(self.whole.last, True)} ({late})"

    def figures(self) -> dict[str, Any]:
        """Returns the figures by name."""
        return {
            "accuracy": [self.whole.first, self.whole.last],
            "accuracy_late_change": [self.late.change, self.late.low, self.late.high],
            "accuracy_closed": self.closed, "accuracy_stands_still": self.holds,
            "accuracy_thresholds": {"still": STILL, "surely_still": SURELY_STILL, "learnt": LEARNT},
        }  # fmt: skip


def standstill(evidence: Evidence) -> Standstill | None:
    """Looks at the accuracy of a run; None where fewer than 20 steps have one."""
    steps, accuracy = curve(evidence, "hicra/accuracy")
    if len(steps) < LEAST_STEPS:
        return None
    half = len(steps) // 2
    return Standstill(rise(steps, accuracy), trend(steps[half:], accuracy[half:]))
