"""Says what mining needs of a backend, which holds a corpus and counts in it.

A backend is given chunks of solutions once; then it counts n-grams, and says how many solutions hold a gram of each
cluster. All backends use the same maps and reduces (maps.py, ngrams.py), so their counts are exactly the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from hicra.arrays import Int32s, Ints
from hicra.corpus import Paths
from hicra.mining.counting.index import Side
from hicra.mining.counting.ngrams import CountRule, Grams
from hicra.mining.counting.rows import Read, Reading
from hicra.mining.counting.words import Chunk


@dataclass(frozen=True)
class Loaded:
    """Says what a backend holds.

    Attributes:
        mined, against: the solutions that are mined, and those that they are compared with.
        left, right: [V] int32, the id of each word without the punctuation on its left (right).
        size: [V] int64, as in `Tokens`.
    """

    mined: Side
    against: Side
    left: Int32s
    right: Int32s
    size: Ints


class Backend(Protocol):
    """Holds a corpus and counts in it. Load it once, use it, close it."""

    def load(self, chunks: Iterable[Chunk], near: bool = False) -> Loaded:
        """Takes the solutions in; `near` merges near duplicates."""
        ...

    def load_paths(self, paths: Paths, reading: Reading, near: bool = False) -> tuple[Loaded, Read]:
        """Takes the solutions of rollout files in, and says what was read.

        Raises:
            DataError: as `corpus.read`, or where no row is to be mined.
        """
        ...

    def solutions(self, paths: Paths, reading: Reading) -> Iterator[tuple[str, str | None]]:
        """Yields the mined solutions of rollout files and their questions, read once more, copies included."""
        ...

    def count(self, rule: CountRule) -> tuple[Grams, dict[str, int]]:
        """Returns the n-grams of the mined solutions that pass, and the counts of `count_ngrams`."""
        ...

    def holders(self, grams: Grams, labels: Ints, /, *, against: bool = False) -> Ints:
        """Returns the distinct solutions (or questions) with a gram of each label, [K] int64, K = labels.max() + 1.

        Args:
            grams: counted n-grams.
            labels: [G] int64; grams with a negative one are skipped.
            against: count among the solutions that the mined ones are compared with.
        """
        ...

    def close(self) -> None:
        """Ends what was started and removes what was written."""
        ...
