"""The few figures of a step that a line has room for; `hicra train` shows the same while it trains."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hicra.metrics.signal_window import SignalWindow

SHOWN = ("hicra/accuracy", "hicra/reward", "hicra/length", "hicra/planning_share")


def figures(row: Mapping[str, Any], signal: SignalWindow) -> list[str]:
    """Returns the figures of a step as texts; those without a value are left out.

    Args:
        row: the metrics of the step.
        signal: the last measured steps, this one among them.

    >>> figures({"hicra/reward": 0.5, "hicra/length": -0.0, "hicra/accuracy": 0.5}, SignalWindow())
    ['reward 0.5', 'length 0']
    """
    names = [name for name in SHOWN if known(row.get(name)) is not None]
    if row.get("hicra/accuracy") == row.get("hicra/reward"):  # rewards of 0 and 1 alone: one figure says both
        names = [name for name in names if name != "hicra/accuracy"]
    shown = [f"{name.removeprefix('hicra/')} {row[name] + 0.0:.3g}" for name in names]
    return [*shown, said] if (said := of_signal(signal)) else shown


def of_signal(signal: SignalWindow) -> str:
    """Says which share of the signal of the last measured steps lies on planning tokens; empty where none was measured.

    The signal of a kind is estimated without bias and so may be below 0; a share outside 0 to 100 % is noise, and told as such.
    """
    if not signal.measured:
        return ""
    share = signal.share
    told = f"{share:.0%} planning" if share is not None and 0 <= share <= 1 else "not clear yet"
    return f"signal {told} (last {signal.measured} measured)"


def known(value: Any) -> float | None:
    """Returns a finite number as it is, and None for all else."""
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None
