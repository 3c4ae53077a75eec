"""Numbers as people read them, and ticks of axes."""

from __future__ import annotations

import math


def nice_ticks(low: float, high: float, number: int = 5) -> list[float]:
    """Ticks at multiples of 1, 2 or 5 times a power of ten that span [low, high].

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


def number(value: float | None, percent: bool = False) -> str:
    """A value as people read it: three or four figures, no trailing zeros, thousands with a thin space.

    >>> [number(0.123456), number(12.345), number(1e-9)]
    ['0.123', '12.35', '1.0e−09']
    """
    if value is None:
        return "\u2013"
    if percent:
        return number(round(100 * value, 1 if abs(value) >= 0.01 else 2)) + "\u00a0%"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u2009").replace("-", "\u2212")
    if value and abs(value) < 0.0005:
        return f"{value:.1e}".replace("-", "\u2212")
    text = f"{value:.{1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "\u2212")


def shorten(text: str, most: int) -> str:
    """At most `most` characters, the cut shown by an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "\u2026"
