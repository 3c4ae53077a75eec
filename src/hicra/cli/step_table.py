"""Writes the table of steps and metrics that `hicra diagnose` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hicra.drawing.readable import printable

FEW = 4  # so many steps or fewer stand in columns where intervals are known, each value with its own


def step_table(
    steps: Sequence[dict[str, Any]], counts: str = "tokens", intervals: Sequence[dict[str, Any]] | None = None
) -> str:
    """Writes a row per step and a column per metric; at most 4 steps of which intervals are known stand in columns.

    Metrics without any value are left out.

    Args:
        steps: {step, metric: value}, with the same keys in each.
        counts: what lengths are counted in, "tokens" or "words".
        intervals: of each step, {metric: [low, high]}.
    """
    names = [key for key in steps[0] if any(step.get(key) is not None for step in steps)]
    head = [f"length ({counts})" if name == "hicra/length" else name.removeprefix("hicra/") for name in names]
    turned = len(steps) <= FEW and any(isinstance(ends, list) for of in intervals or () for ends in of.values())
    known = intervals if turned and intervals is not None else [{} for _ in steps]
    body = [[_cell(step.get(name), of.get(name)) for name in names] for step, of in zip(steps, known, strict=True)]
    rows = [list(row) for row in zip(head, *body, strict=True)] if turned else [head, *body]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        if turned:
            cells[0] = row[0].ljust(widths[0])
        lines.append("  ".join(cells))
    return "\n".join(lines)


def _cell(value: Any, interval: Any = None) -> str:
    if value is None or isinstance(value, str):
        return printable(value or "")
    if isinstance(value, int):
        return str(value)
    own = f"{value + 0.0:.4g}"
    return own if not isinstance(interval, list) else f"{own} ({interval[0] + 0.0:.3g} to {interval[1] + 0.0:.3g})"
