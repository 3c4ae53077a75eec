"""Holds tables in memory up to a number of bytes, and what comes after in Parquet files of a temporary folder.

The folder is made when the limit is passed and removed by `close` (or when the object goes away, or at the end of the process).
It is where the environment puts temporary files (TMPDIR).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType

import polars as pl

from hicra.artifacts import writes

MEMORY = 2**26
ROW_GROUP = 1024  # rows that are read at a time at least
Part = pl.DataFrame | Path


class Shelf:
    """Grows a list of tables.

    Args:
        memory: bytes held before tables go to files.

    Attributes:
        parts: the tables in order, each itself or its file.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self.parts: list[Part] = []
        self._left = memory
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def add(self, table: pl.DataFrame) -> None:
        """Adds a table. Raises FileError where it has no room on the disk."""
        size = int(table.estimated_size())
        if size <= self._left:
            self._left -= size
            self.parts.append(table)
            return
        self._left = 0
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="hicra-diagnose-")
        path = Path(self._folder.name, f"{len(self.parts):08d}.parquet")
        with writes(path):
            table.write_parquet(path, compression="lz4", statistics=False, row_group_size=ROW_GROUP)
        self.parts.append(path)

    def close(self) -> None:
        """Removes everything."""
        self.parts = []
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Shelf:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def lazy(part: Part) -> pl.LazyFrame:
    """Returns a part of a shelf, to be read lazily."""
    return part.lazy() if isinstance(part, pl.DataFrame) else pl.scan_parquet(part, glob=False)
