"""Finds rows that stand in two files of one read, as where a folder holds rollouts and what was made of them.

Nothing is left out by it: two samples may be equal by chance, and the user is told.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import Any

import numpy as np

from hicra.corpus.schema import Item

TOLD_FROM = 0.1  # share of the smaller file; fewer equal rows may be chance, where responses are short


class InTwoFiles:
    """Remembers 8 bytes a row: a hash of id, step, question, model and response, and the number of the file.

    Args:
        files: number of files of the read.
    """

    def __init__(self, files: int) -> None:
        self._bits = (files - 1).bit_length()
        self._hashes = array("Q")
        self._rows: Counter[int] = Counter()

    def add(self, file: int, item: Item) -> None:
        """Takes in a row of the file with this number, from 0."""
        values = item.values
        said = values["response"] if "response" in values else tuple(values.get("token_ids") or ())
        get = values.get
        key = hash((get("id"), get("step"), get("question"), get("model"), said))
        self._hashes.append(((key << self._bits) & 0xFFFF_FFFF_FFFF_FFFF) | file)
        self._rows[file] += 1

    def pairs(self) -> list[tuple[int, int, int]]:
        """Returns (a file, a later file, rows of the later one that stand in the first one), sorted; each row counts once."""
        both = np.sort(np.frombuffer(self._hashes, np.uint64))
        keys = both >> np.uint64(self._bits)
        again = np.flatnonzero(keys[1:] == keys[:-1]) + 1  # rows whose key the row before has
        firsts = np.searchsorted(
            keys, keys[again]
        )  # where the first row of that key is; of its rows it has the first file
        mask = np.uint64((1 << self._bits) - 1)
        of, file = both[firsts] & mask, both[again] & mask
        found = Counter(zip(of[of != file].tolist(), file[of != file].tolist(), strict=True))
        return sorted((first, later, rows) for (first, later), rows in found.items())

    def as_json(self, names: list[str]) -> list[dict[str, Any]]:
        """Returns {files: [a file, a later one], rows} for each pair of files with a row in common."""
        return [{"files": [names[first], names[later]], "rows": rows} for first, later, rows in self.pairs()]

    def warning(self, names: list[str]) -> str | None:
        """Returns what to say where the files of a pair have a tenth of the smaller one or more in common."""
        told = [pair for pair in self.pairs() if pair[2] >= TOLD_FROM * min(self._rows[pair[0]], self._rows[pair[1]])]
        if not told:
            return None
        first, later, rows = max(told, key=lambda pair: (pair[2], -pair[0], -pair[1]))
        more = f" (further pairs of files like that: {len(told) - 1})" if len(told) > 1 else ""
        return (
            f"{rows} of the {self._rows[later]} rows of {names[later]} stand in {names[first]} too, with the same id, step, "
            f"question and response, and count twice{more}; leave one of the files out"
        )
