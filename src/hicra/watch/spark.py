"""Draws a curve in one line of block characters."""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float | None], width: int) -> str:
    """Draws values as blocks, the lowest as the lowest block; a character is the mean of the steps that it stands for.

    Values that are all equal stand in the middle, and at the bottom where they are 0.

    Args:
        values: the curve, None where a step has no value.
        width: the most characters.

    >>> spark([0, 1, None, 7], 4), spark([1, 1], 8), spark([0, 2, 6, 8], 2), spark([0, 0], 8)
    ('▁▂ █', '▄▄', '▁█', '▁▁')
    """
    count = min(width, len(values))
    if count < 1:
        return ""
    means = [_mean(values[len(values) * at // count : len(values) * (at + 1) // count]) for at in range(count)]
    given = [one for one in means if one is not None]
    low, high = min(given, default=0.0), max(given, default=0.0)
    return "".join(" " if one is None else _block(one, low, high) for one in means)


def _mean(values: Sequence[float | None]) -> float | None:
    given = [one for one in values if one is not None]
    return sum(given) / len(given) if given else None


def _block(value: float, low: float, high: float) -> str:
    if high == low:
        return BLOCKS[len(BLOCKS) // 2 - 1 if value else 0]
    return BLOCKS[min(int((value - low) / (high - low) * len(BLOCKS)), len(BLOCKS) - 1)]
