"""Tells how many rows are measured, while they are."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int, str], None]  # rows done, all rows, what is under way


class Told:
    """Counts the rows that are measured, and tells whoever asked."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0
        self.add(0)

    def add(self, rows: int) -> None:
        """Counts further rows."""
        self.done += rows
        self._tell("measuring")

    def findings(self) -> None:
        """Says that all rows are measured, and findings are looked for."""
        self._tell("looking for findings")

    def _tell(self, what: str) -> None:
        if self.progress is not None:
            self.progress(self.done, self.total, what)
