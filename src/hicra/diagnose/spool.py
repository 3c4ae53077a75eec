"""Sorts rows that come in any order by arm and step, without holding them all: large sorted pieces go to files.

Reading a step back touches the pieces that hold it, and of a file only the part of it with the step.
"""

from __future__ import annotations

import polars as pl

from hicra.diagnose.shelf import Shelf, lazy

ARM = "_arm"
PIECE = 2**24  # bytes of rows that are sorted at a time
Key = tuple[int, int]  # number of the arm, step


class Spool:
    """Takes rows in, and gives those of an arm and step back in the order in which they came.

    Args:
        shelf: where the sorted pieces are.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._waiting: list[pl.DataFrame] = []
        self._bytes = 0
        self._places: dict[Key, list[tuple[int, int, int]]] = {}  # piece, first row, rows

    def add(self, rows: pl.DataFrame) -> None:
        """Adds rows with the columns `ARM` and `step`, both integers."""
        self._waiting.append(rows)
        self._bytes += int(rows.estimated_size())
        if self._bytes >= PIECE:
            self.flush()

    def flush(self) -> None:
        """Puts what waits on the shelf; to be called once all rows are added."""
        if not self._waiting:
            return
        piece = pl.concat(self._waiting).sort(ARM, "step", maintain_order=True)
        self._waiting, self._bytes = [], 0
        begin = 0
        for arm, step, rows in piece.group_by(ARM, "step", maintain_order=True).len().iter_rows():
            self._places.setdefault((arm, step), []).append((len(self.shelf.parts), begin, rows))
            begin += rows
        self.shelf.add(piece)

    def steps(self) -> list[Key]:
        """Returns the arms and steps that have rows, sorted."""
        return sorted(self._places)

    def rows(self, arm: int) -> int:
        """Returns the number of rows of an arm."""
        return sum(place[2] for (of, _), places in self._places.items() if of == arm for place in places)

    def read(self, key: Key) -> pl.DataFrame:
        """Returns the rows of an arm and step."""
        parts = [
            lazy(self.shelf.parts[piece]).slice(begin, rows).collect().drop(ARM)
            for piece, begin, rows in self._places[key]
        ]
        return parts[0] if len(parts) == 1 else pl.concat(parts)
