"""Draws a watched run for a terminal: its head, curves, findings, and the latest rollout with its planning spans lit.

Texts of a run are hostile: they are made harmless, and never read as markup.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hicra.drawing.readable import duration, harmless, number
from hicra.runs import RunFolder
from hicra.runs.folder import OBSERVED
from hicra.runs.trackers.shown import heading, lit_response
from hicra.watch.figures import known, of_signal
from hicra.watch.spark import spark
from hicra.watch.watched import Watched

CURVES = (
    "hicra/accuracy", "hicra/reward", "hicra/planning_share", "hicra/changed_share", "hicra/length", "hicra/mixed_groups",
    "hicra/entropy_planning", "hicra/entropy_execution", "hicra/semantic_entropy", "hicra/steps_refused",
)  # fmt: skip
LIT, MARKS = "black on yellow", ("⟦", "⟧")  # the marks stand where there are no colours


def view(watched: Watched, width: int, height: int | None = None, marks: bool = False) -> RenderableType:
    """Draws the run.

    Args:
        watched: the run.
        width: columns of the terminal.
        height: its lines, beyond which the rollout is cut; None cuts nothing.
        marks: whether spans stand between marks, for a place without colours.
    """
    parts: list[RenderableType] = [
        head(watched),
        *curves(watched, width),
        *found(watched, None if height is None else width),
    ]
    parts += [Text(harmless(f"note: {one}"), style="yellow") for one in watched.notes()]
    room = None if height is None else height - sum(_lines(part, width) for part in parts) - 3
    if room is None or room > 0:
        parts += rollout(watched, width, room, marks)
    return Group(*parts)


def head(watched: Watched) -> Text:
    """Says which run it is, at which step, and what becomes of it."""
    run = watched.run
    of = "" if watched.total is None else f" of {watched.total}"
    said = [f"step {watched.step}{of}" if watched.rows else "no step yet", becomes(watched)]
    if (left := watched.seconds_left) is not None:
        said.append(f"about {duration(left)} left")
    made = Text(harmless(f"{run.path}"), style="bold")
    made.append(harmless(f"  {_of(run)}: {', '.join(said)}"), style="not bold")
    return made


def _of(run: RunFolder) -> str:
    """Says the method and the seed of a run; a diagnosed one has neither, only the name that told it from others."""
    if run.diagnosed:
        return "diagnosed" if run.method == OBSERVED else f"diagnosed, {run.method}"
    return f"{run.method}, seed {run.manifest.get('seed')}"


def becomes(watched: Watched) -> str:
    """Says what becomes of the run (WATCH-1)."""
    if watched.state == "running" and watched.writer is not None:
        return f"written by {watched.writer.name}"
    return {
        "ended": "ended",
        "stopped": "stopped before its end",
        "unknown": "no process writes it: it was stopped, or it is a copy from elsewhere",
    }.get(watched.state, watched.state)


def curves(watched: Watched, width: int) -> list[RenderableType]:
    """Draws the metrics of `CURVES` that have a value, one a line: name, curve, first and last value."""
    rows = []
    for name in CURVES:
        values = [known(value) for value in watched.curve(name)]
        given = [value for value in values if value is not None]
        if given and not (name == "hicra/steps_refused" and not any(given)):
            rows.append((name.removeprefix("hicra/"), values, given[0], given[-1]))
    if not rows:
        return []
    table = Table.grid(padding=(0, 2))
    room = max(width - max(len(row[0]) for row in rows) - 26, 8)
    for name, values, first, last in rows:
        table.add_row(name, Text(spark(values, room), style="cyan"), f"{number(first)} → {number(last)}")
    if said := of_signal(watched.signal):
        table.add_row("signal", "", said.removeprefix("signal "))
    return [Text(""), table]


def found(watched: Watched, width: int | None = None) -> list[RenderableType]:
    """Writes the findings, alarms first with an exclamation mark; each is cut to a line of `width` where that is given."""
    said: list[Text] = []
    for one in watched.seen:
        line = Text(f"{'!' if one.alarm else ' '} ", style="bold red" if one.alarm else "")
        line.append(f"{one.name}: ", style="bold")
        line.append(harmless(one.text), style="not bold default")
        said.append(line)
    if watched.not_seen:
        said.append(Text(f"  not seen: {', '.join(one.name for one in watched.not_seen)}", style="dim"))
    for line in said if width else ():
        line.truncate(width or 0, overflow="ellipsis")
    return [Text(""), *said] if said else []


def rollout(watched: Watched, width: int, room: int | None, marks: bool) -> list[RenderableType]:
    """Writes the latest rollout, as many lines of it as there is room for."""
    row = watched.rollout()
    if row is None:
        return []
    text = Text()
    for part, lit in lit_response(row):
        text.append(f"{MARKS[0]}{part}{MARKS[1]}" if lit and marks else part, style=LIT if lit and not marks else "")
    head = Text(harmless(f"latest rollout, step {row.get('step')}: {heading(row)}"), style="bold")
    if room is not None:
        lines = _wrapped(text, width)
        if len(lines) > room:
            text = Text("\n").join([*lines[: max(room - 1, 0)], Text("…")])
    return [Text(""), head, text]


def _wrapped(text: Text, width: int) -> Sequence[Text]:
    return list(text.wrap(Console(width=width, file=io.StringIO()), width))


def _lines(part: Any, width: int) -> int:
    """Counts the lines that a part takes."""
    if isinstance(part, Text):
        return sum(max(1, -(-cell_len(line) // width)) for line in part.plain.split("\n"))
    return int(part.row_count)
