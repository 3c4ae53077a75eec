"""Turns values into positions on the page: ticks at round numbers, and linear scales."""

from __future__ import annotations

import math
from dataclasses import dataclass


def nice_ticks(low: float, high: float, number: int = 5) -> list[float]:
    """Returns ticks at multiples of 1, 2 or 5 times a power of ten that span [low, high].

    >>> nice_ticks(0.0, 0.83)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if not high - low > max(1e-9 * max(abs(low), abs(high)), 1e-300):
        low, high = low - (abs(low) * 0.1 or 0.5), high + (abs(high) * 0.1 or 0.5)
    rough = (high - low) / number
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


@dataclass(frozen=True)
class Scale:
    """A linear scale: the value `low` is placed at `start` and `high` at `end`; if the two are equal, both are in the middle.

    >>> Scale(0, 2, 100, 0)(0.5)
    75.0
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.start + (self.end - self.start) * share
