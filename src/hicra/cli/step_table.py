"""Writes the table of steps and metrics that `hicra diagnose` prints."""

from __future__ import annotations

from typing import Any


def step_table(steps: list[dict[str, Any]], counts: str = "tokens") -> str:
    """Writes a row per step and a column per metric; metrics without any value are left out.

    Args:
        steps: {step, metric: value}, with the same keys in each.
        counts: what lengths are counted in, "tokens" or "words".
    """
    names = [key for key in steps[0] if any(step.get(key) is not None for step in steps)]
    head = [f"length ({counts})" if name == "hicra/length" else name.removeprefix("hicra/") for name in names]
    body = [[_cell(step.get(name)) for name in names] for step in steps]
    widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(names))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *body]
    )


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return str(value) if isinstance(value, int) else f"{value + 0.0:.4g}"
