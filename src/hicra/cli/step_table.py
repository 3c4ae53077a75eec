"""Writes the table of steps and metrics that `hicra diagnose` prints."""

from __future__ import annotations

from typing import Any


def step_table(steps: list[dict[str, Any]]) -> str:
    """Writes a row per step and a column per metric; metrics without any value are left out."""
    names = [key for key in steps[0] if any(step.get(key) is not None for step in steps)]
    head = [name.removeprefix("hicra/") for name in names]
    body = [["" if step.get(name) is None else f"{step[name]:.4g}" for name in names] for step in steps]
    widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(names))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *body]
    )
