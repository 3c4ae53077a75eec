"""Shows progress on stderr: as a bar on a terminal, else as a line every few seconds."""

from __future__ import annotations

import sys
import time
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hicra.drawing.readable import duration
from hicra.metrics.signal_window import SignalWindow
from hicra.watch.figures import figures

EVERY_S = 10.0


class Bar:
    """Progress over counted things.

    Args:
        total: how many there are; None if that is not known yet.
        name: the text before the bar.
        unit: the word for what is counted, in the line that is shown without a terminal.
        quiet: whether nothing is shown.
    """

    def __init__(self, total: int | None, name: str, unit: str, quiet: bool) -> None:
        self.total, self.name, self.unit, self.quiet = total, name, unit, quiet
        self.console = Console(stderr=True)
        self.bar: Progress | None = None
        self.last = time.monotonic()

    def __enter__(self) -> Self:
        if not self.quiet and self.console.is_terminal:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self.bar = Progress(*columns, console=self.console)
            self.bar.start()
            self.task = self.bar.add_task(self.name, total=self.total)
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def say(self, text: str) -> None:
        """Prints a line of its own."""
        if not self.quiet:
            if self.bar is None:
                print(text, file=sys.stderr, flush=True)
            else:
                self.bar.console.print(text, markup=False, highlight=False)

    def show(self, done: int, total: int, figures: str = "") -> None:
        """Shows that `done` of `total` are done, with further figures."""
        if self.bar:
            self.bar.update(self.task, completed=done, total=total, description=f"{self.name}  {figures}")
        elif not self.quiet and time.monotonic() - self.last > EVERY_S:
            self.last = time.monotonic()
            print(f"{self.name}: {self.unit} {done} of {total}  {figures}".rstrip(), file=sys.stderr, flush=True)


class Steps(Bar):
    """Progress over training steps."""

    def __init__(self, total: int, name: str, quiet: bool) -> None:
        super().__init__(total, name, "step", quiet)
        self.steps, self.last = total, 0.0  # the first step always gets a line
        self.signal = SignalWindow()
        self.first: tuple[int, float] | None = None  # the first step that was seen, and when

    def step(self, step: int, values: dict[str, Any]) -> None:
        """Shows that a step is done, with its metrics."""
        self.signal.add(values)
        shown = figures(values, self.signal)
        now = time.monotonic()
        begun, since = self.first = self.first or (step, now)
        if begun < step < self.steps and self.bar is None:  # the bar has a column for it
            shown.append(f"about {duration((self.steps - step) * (now - since) / (step - begun))} left")
        if step == self.steps:
            self.last = 0.0
        self.show(step, self.steps, "  ".join(shown))
