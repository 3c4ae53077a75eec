"""Counts a corpus on this machine; its word ids are kept in blocks, in memory up to a limit and past it in temporary files.

Each block becomes records, which are split by hash into parts; each part is merged on its own. Memory does not grow with the
corpus except for the index (index.py) and the n-grams found. With `workers` > 1 other processes do the maps and reduces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from hicra import corpus
from hicra.arrays import Int32s, Ints
from hicra.corpus import Paths
from hicra.mining.counting.index import Index, block_of
from hicra.mining.counting.interface import Loaded
from hicra.mining.counting.maps import PART_IDS, add_holders, encode, records_of, share
from hicra.mining.counting.ngrams import CountRule, GramCollector, Grams, block_holders, merge_records, with_salts
from hicra.mining.counting.rows import Read, Reading, Rows, pairs_of
from hicra.mining.counting.spill import MEMORY, Spill
from hicra.mining.counting.words import Chunk, Encoder, Tokens
from hicra.workers.pool import ordered

BLOCK_IDS = 2**21  # word ids of a block; a longer solution is a block of its own
T = TypeVar("T")


class LocalBackend:
    """Holds and counts a corpus on this machine.

    Args:
        workers: number of processes; with 1 this one counts.
        memory: bytes of word ids, and again of records, that are held before they go to temporary files.
        segmenter: as for `Encoder`.

    Attributes:
        spilled: bytes written to temporary files so far.
    """

    def __init__(self, workers: int = 1, memory: int = MEMORY, *, segmenter: str | None = None) -> None:
        self.memory, self._segmenter = memory, segmenter
        self._index, self._ids = Index(segmenter is not None), Spill(memory)
        self._blocks: list[tuple[int, int]] = []
        self.spilled = 0
        self._rule: CountRule | None = None
        self._workers = workers

    def load(self, chunks: Iterable[Chunk], near: bool = False) -> Loaded:
        """See `Backend`."""
        here = Encoder(self._segmenter)
        pending: list[Int32s] = []
        first = done = 0

        def flush() -> None:
            nonlocal first
            if done > first:
                self._ids.append((len(self._blocks),), np.concatenate(pending))
                self._blocks.append((first, done))
                pending.clear()
                first = done

        one = self._workers == 1
        tasks = ((chunk, near) if one else (chunk, near, self._segmenter) for chunk in chunks)
        for encoded in self._map(here.encode if one else encode, tasks):
            ids = self._index.add(encoded)[encoded.ids]
            if sum(map(len, pending)) + len(ids) > BLOCK_IDS:
                flush()
            pending.append(ids)
            done += len(encoded.lengths)
        flush()
        self.spilled += self._ids.written
        mined, against = self._index.close(near)
        self._sides = {False: mined, True: against}
        return Loaded(mined, against, self._index.left, self._index.right, self._index.size)

    def load_paths(self, paths: Paths, reading: Reading, near: bool = False) -> tuple[Loaded, Read]:
        """See `Backend`."""
        frames = corpus.batches(
            paths, reading.on_bad, reading.max_bad, mapping=reading.mapping, decode=reading.decode,
            quarantine=reading.quarantine, extras=False,
        )  # fmt: skip
        rows = Rows(reading)
        loaded = self.load(rows.chunks(frames), near)
        rows.check()
        return loaded, rows.read(frames.lines, frames.skipped, frames.duplicates, frames.warnings)

    def solutions(self, paths: Paths, reading: Reading) -> Iterator[tuple[str, str | None]]:
        """See `Backend`."""
        frames = corpus.batches(
            paths, reading.on_bad, 1.0, mapping=reading.mapping, decode=reading.decode, extras=False
        )
        return pairs_of(Rows(reading).chunks(frames))

    def count(self, rule: CountRule) -> tuple[Grams, dict[str, int]]:
        """See `Backend`."""
        self._rule = rule
        total = int(self._index.lengths[self._sides[False].documents.kept].sum())
        parts = max(1, -(-total // PART_IDS))
        return with_salts(lambda salt: self._count(rule, parts, salt))

    def _count(self, rule: CountRule, parts: int, salt: int) -> tuple[Grams, dict[str, int]]:
        codes, found = self._index.codes(salt), GramCollector(salt)
        with Spill(self.memory) as held:
            tasks = ((block, codes, group, rule) for block, group in self._each(against=False))
            for each in self._map(records_of, tasks):
                for n, hashes, records in each:
                    for part, piece in share(hashes, records, parts):
                        held.append((n, part), piece)
            keys = held.keys()
            merges = ((_taken(held, key), codes, key[0], rule) for key in keys)
            for merged in self._map(merge_records, merges) if parts > 1 else (merge_records(*task) for task in merges):
                found.add(merged)
            self.spilled += held.written
        return found.grams(self._index.vocabulary.words), found.counts

    def holders(self, grams: Grams, labels: Ints, /, *, against: bool = False) -> Ints:
        """See `Backend`."""
        assert self._rule is not None, "count first"
        by_group, codes = self._rule.by_group, self._index.codes(grams.salt)
        bare = grams.bare()
        tasks = ((block, codes, group, bare, labels, by_group) for block, group in self._each(against))
        return add_holders(self._map(block_holders, tasks), int(labels.max(initial=-1)) + 1, by_group)

    def close(self) -> None:
        """See `Backend`."""
        self._ids.close()

    def __enter__(self) -> LocalBackend:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _each(self, against: bool) -> Iterator[tuple[Tokens, Int32s]]:
        """Yields the blocks of one side that hold any of its solutions, and the groups of these."""
        documents = self._sides[against].documents
        for number, (low, high) in enumerate(self._blocks):
            kept = documents.kept[low:high]
            if kept.any():
                ids, lengths = self._ids.read((number,)), self._index.lengths[low:high]
                yield (
                    block_of(ids, lengths, kept, self._index.left, self._index.right, self._index.size),
                    documents.group[low:high][kept],
                )

    def _map(self, function: Callable[..., T], tasks: Iterable[tuple[Any, ...]]) -> Iterator[T]:
        """Yields results in the order of the tasks; the workers exist until then and have a few tasks at a time."""
        if self._workers == 1:
            return (function(*task) for task in tasks)
        return ordered(_caller, (), ((function, task) for task in tasks), self._workers)


def _caller() -> Callable[[tuple[Callable[..., Any], tuple[Any, ...]]], Any]:
    return lambda task: task[0](*task[1])


def _taken(held: Spill, key: tuple[int, ...]) -> Int32s:
    """Returns the records [R, n + 3] of one part and forgets the part."""
    records = held.read(key).reshape(-1, key[0] + 3)
    held.drop(key)
    return records
