"""Holds arrays by key, in memory up to a limit and past it in files of a temporary folder.

The folder is made when the limit is passed and removed by `close` (or when the object goes away, or at the end of the
process). It is where the environment puts temporary files (TMPDIR).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType

import numpy as np

from hicra.arrays import Int32s

MEMORY = 2**28  # bytes held before anything is written
Key = tuple[int, ...]


class Spill:
    """Grows one int32 array for each key.

    Args:
        memory: bytes held before everything goes to files.

    Attributes:
        written: bytes written to files so far.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self.memory, self.written = memory, 0
        self._arrays: dict[Key, list[Int32s]] = {}
        self._sizes: dict[Key, int] = {}
        self._bytes = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def append(self, key: Key, array: Int32s) -> None:
        """Adds the values of an array, in C order, to what the key holds."""
        if not array.size:
            return
        self._sizes[key] = self._sizes.get(key, 0) + array.size
        if self._folder is not None:
            self._write(key, array)
            return
        self._arrays.setdefault(key, []).append(np.ascontiguousarray(array, np.int32).reshape(-1))
        self._bytes += array.nbytes
        if self._bytes > self.memory:
            self._folder = tempfile.TemporaryDirectory(prefix="hicra-mine-")
            while self._arrays:
                name, arrays = self._arrays.popitem()
                for part in arrays:
                    self._write(name, part)
            self._bytes = 0

    def read(self, key: Key) -> Int32s:
        """Returns all values of a key, [N] int32; empty where nothing was added."""
        if key not in self._sizes:
            return np.empty(0, np.int32)
        if self._folder is not None:
            return np.fromfile(self._path(key), np.int32)
        return np.concatenate(self._arrays[key])

    def drop(self, key: Key) -> None:
        """Forgets a key."""
        if self._sizes.pop(key, None) is None:
            return
        if self._folder is not None:
            self._path(key).unlink()
        else:
            self._bytes -= sum(array.nbytes for array in self._arrays.pop(key))

    def keys(self) -> list[Key]:
        """Returns the keys, sorted."""
        return sorted(self._sizes)

    @property
    def folder(self) -> Path | None:
        """The folder of the files; None while everything is in memory."""
        return None if self._folder is None else Path(self._folder.name)

    def close(self) -> None:
        """Removes everything."""
        self._arrays, self._sizes, self._bytes = {}, {}, 0
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Spill:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, key: Key, array: Int32s) -> None:
        self.written += array.nbytes
        with open(self._path(key), "ab") as file:
            np.ascontiguousarray(array, np.int32).tofile(file)

    def _path(self, key: Key) -> Path:
        assert self._folder is not None
        return Path(self._folder.name, "-".join(map(str, key)))
