"""Follows a run folder that another process writes: what is new in metrics.jsonl and in rollouts/ since the last look.

It reads on from where it stopped, so that a look costs what is new and not what is there. It reads whole lines alone: what stands
behind the last line end is still being written. It writes nothing and takes no lock.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from hicra.runs.folder import RunFolder, metrics_of_line
from hicra.runs.rollout_files import with_step


@dataclass(frozen=True)
class News:
    """What a look at a run found.

    Attributes:
        rows: the metrics of new steps, in order; with `again` those of all steps.
        files: the files of rollouts that are new or have changed, in order of step.
        again: whether the metrics were written anew since the last look, as a resume does that goes back to a checkpoint.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    again: bool = False


class Follower:
    """Reads a run folder on and on.

    Args:
        run: the run folder, which must exist; its metrics and rollouts need not.

    Attributes:
        half: whether metrics.jsonl ends in a line without an end.
        unreadable: why files of rollouts could not be read, by their path: they are being copied, or they are damaged. Each look
            tries them again.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.half = False
        self.unreadable: dict[Path, str] = {}
        self._begin()
        self._seen: dict[Path, tuple[int, int, int]] = {}

    def look(self) -> News:
        """Returns what is new since the last look.

        Raises:
            ArtifactError: a whole line of metrics.jsonl is no JSON object; the message has its number.
        """
        data, again = self._read()
        whole, end, rest = data.rpartition(b"\n")
        self.half = bool(rest)
        rows = []
        for line in whole.split(b"\n") if end else ():
            self._lines += 1
            if line:
                rows.append(metrics_of_line(self._path, self._lines, line, self.run.again))
        if end:
            self._offset += len(whole) + 1
            self._last = whole.rpartition(b"\n")[2] + end
        return News(rows, self._new_files(), again)

    def table(self, file: Path) -> pl.DataFrame | None:
        """Reads a file of rollouts; None where it cannot be read now, which `unreadable` then says.

        A file without a column `step` gets it from its name.
        """
        try:
            table = pl.read_parquet(file, glob=False)
        except (OSError, pl.exceptions.PolarsError) as error:
            self.unreadable[file] = str(error).partition("\n")[0]
            self._seen.pop(file, None)  # so that the next look names it again
            return None
        self.unreadable.pop(file, None)
        return with_step(table, file)

    @property
    def _path(self) -> Path:
        return self.run.path / "metrics.jsonl"

    def _begin(self) -> None:
        self._offset, self._lines, self._inode = 0, 0, -1
        self._last = b""  # the last whole line: where it no longer stands before the offset, the file is another one

    def _read(self) -> tuple[bytes, bool]:
        """Returns what stands behind the last whole line, or the whole file where it is not the one of before."""
        try:
            with open(self._path, "rb") as file:
                inode = os.fstat(file.fileno()).st_ino
                file.seek(self._offset - len(self._last))
                same = self._inode in (-1, inode) and file.read(len(self._last)) == self._last
                if not same:
                    self._begin()
                    file.seek(0)
                self._inode = inode
                return file.read(), not same
        except FileNotFoundError:
            again = self._offset > 0
            self._begin()
            return b"", again

    def _new_files(self) -> list[Path]:
        found: dict[Path, tuple[int, int, int]] = {}
        for path in self.run.rollout_files():
            try:
                at = path.stat()
            except FileNotFoundError:  # a resume has removed it meanwhile
                continue
            found[path] = (at.st_ino, at.st_size, at.st_mtime_ns)
        new = [path for path, stamp in found.items() if self._seen.get(path) != stamp]
        self._seen = found
        return new
