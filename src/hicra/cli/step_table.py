"""Writes the table of steps and metrics that `hicra diagnose` prints, as wide as a terminal is."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from hicra.drawing.readable import counted, printable

FEW = 4  # so many steps or fewer stand in columns where intervals are known, each value with its own
WIDTH = 100  # where no terminal says how wide it is
ALWAYS = ("arm", "step", "rows")
# what is shown without --wide, the most important first: where the width does not suffice the last ones go
MAIN = (
    "hicra/accuracy", "hicra/reward", "hicra/planning_share", "hicra/length", "hicra/semantic_entropy_rarefied",
    "hicra/semantic_entropy", "hicra/entropy_planning", "hicra/entropy_execution", "pass_at", "hicra/reward_errors",
    "hicra/mixed_groups", "hicra/repetition", "hicra/reflection_rate",
)  # fmt: skip
# `reward_errors` is a finding, too, of more than rollouts without a reward
HEADS = {"hicra/reward_errors": "unscorable"}
_PASS = "hicra/pass_at_"


def width_of_stdout() -> int:
    """Returns how many characters a line of stdout may have: those of the terminal, and 100 where it is none."""
    return shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout is not None and sys.stdout.isatty() else WIDTH


def step_table(
    steps: Sequence[dict[str, Any]],
    counts: str = "tokens",
    intervals: Sequence[dict[str, Any]] | None = None,
    width: int | None = WIDTH,
) -> str:
    """Writes a row per step and a column per metric; at most 4 steps of which intervals are known stand in columns.

    Metrics without any value are left out. A last line counts those that are left out for the width.

    Args:
        steps: {step, metric: value}, with the same keys in each.
        counts: what lengths are counted in, "tokens" or "words".
        intervals: of each step, {metric: [low, high]}.
        width: the most characters of a line, for which only the main metrics are shown; None shows all, however wide.
    """
    there = [key for key in steps[0] if any(step.get(key) is not None for step in steps)]
    turned = len(steps) <= FEW and any(isinstance(ends, list) for of in intervals or () for ends in of.values())
    known = intervals if turned and intervals is not None else [{} for _ in steps]
    columns = {name: [_head(name, counts), *map(_cell_of(name), steps, known)] for name in there}
    shown = there if width is None else _main(there, steps)
    if turned:
        lines = _turned([columns[name] for name in shown], width)
    else:
        if width is not None:
            shown = _fitting(shown, columns, width)
        lines = _lines(list(zip(*(columns[name] for name in shown), strict=True)))
    if left := len(there) - len(shown):
        lines.append(f"not shown: {counted(left, 'more metric')}; --wide shows all")
    return "\n".join(lines)


def _main(names: Sequence[str], steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns which metrics are shown, in the order of the table."""
    passes = [name for name in names if name.startswith(_PASS) and name != f"{_PASS}1"]
    chosen = {*ALWAYS, *MAIN, *passes[-1:]}  # of pass@k, the largest k
    rarefied = (
        "hicra/semantic_entropy_rarefied"  # the one to compare over steps, where there are enough occurrences in each
    )
    chosen.remove("hicra/semantic_entropy" if all(step.get(rarefied) is not None for step in steps) else rarefied)
    if not passes:  # each prompt has one response, and no group can be mixed
        chosen.remove("hicra/mixed_groups")
    if "hicra/accuracy" in names and all(step.get("hicra/reward") == step["hicra/accuracy"] for step in steps):
        chosen.remove("hicra/reward")
    if not any(step.get("hicra/reward_errors") for step in steps):
        chosen.remove("hicra/reward_errors")
    return [name for name in names if name in chosen]


def _fitting(names: Sequence[str], columns: Mapping[str, Sequence[str]], width: int) -> list[str]:
    """Returns the names without the last ones by importance, for which there is no room."""
    shown = list(names)
    for name in sorted((name for name in names if name not in ALWAYS), key=_rank, reverse=True):
        if sum(max(map(len, columns[one])) + 2 for one in shown) - 2 <= width:
            break
        shown.remove(name)
    return shown


def _rank(name: str) -> int:
    return MAIN.index("pass_at" if name.startswith(_PASS) else name)


def _turned(rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Writes metrics as rows; steps for which there is no room beside the others stand below them."""
    first = max(len(row[0]) for row in rows)
    blocks: list[list[int]] = []
    used = 0
    for at in range(1, len(rows[0])):
        own = max(len(row[at]) for row in rows) + 2
        if not blocks or (width is not None and used + own > width):
            blocks, used = [*blocks, []], first
        blocks[-1].append(at)
        used += own
    lines: list[str] = []
    for block in blocks:
        lines += [""] if lines else []
        lines += _lines([[row[0].ljust(first), *(row[at] for at in block)] for row in rows])
    return lines


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def _head(name: str, counts: str) -> str:
    return f"length ({counts})" if name == "hicra/length" else HEADS.get(name, name.removeprefix("hicra/"))


def _cell_of(name: str) -> Any:
    return lambda step, ends: _cell(step.get(name), ends.get(name))


def _cell(value: Any, interval: Any = None) -> str:
    if value is None or isinstance(value, str):
        return printable(value or "")
    if isinstance(value, int):
        return str(value)
    own = f"{value + 0.0:.4g}"
    return own if not isinstance(interval, list) else f"{own} ({interval[0] + 0.0:.3g} to {interval[1] + 0.0:.3g})"
