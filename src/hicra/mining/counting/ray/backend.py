"""Counts a corpus on a Ray cluster: the maps and reduces of the local backend are Ray Data stages.

    files -> [map: read, encode] -> encoded chunks (stay in the object store)
    chunks -> [map: records of each n] -> [group by part] -> [reduce: merge] -> n-grams found
    chunks -> [map: holders of each label] -> added up

The leading process holds the index (index.py) and the n-grams found, never a text. A running cluster is used where there is
one, else one of `workers` processes is started here and ended by `close` (`hicra.workers.cluster`). docs/how-to/mine-on-ray.md
says how to run it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from hicra.arrays import Ints
from hicra.artifacts import check_output, write_text
from hicra.corpus import Paths
from hicra.corpus.account import Account
from hicra.mining.counting.index import Index, Side
from hicra.mining.counting.interface import Loaded
from hicra.mining.counting.maps import PART_IDS, add_holders
from hicra.mining.counting.ngrams import CountRule, GramCollector, Grams, HashCollision, with_salts
from hicra.mining.counting.ray import steps as steps
from hicra.mining.counting.ray.files import FileRead, expand, read_file
from hicra.mining.counting.rows import Read, Reading, Rows, pairs_of
from hicra.mining.counting.words import Chunk
from hicra.workers.cluster import connect, import_ray

_ONE: dict[str, Any] = {"batch_size": 1, "batch_format": "pyarrow"}


class RayBackend:
    """Holds and counts a corpus on a Ray cluster.

    Args:
        workers: number of CPUs of the cluster that is started where none is running; a running one is used as it is.
        segmenter: as for `Encoder`; its package must be installed where the tasks run.

    Raises:
        ConfigError: Ray is not installed or does not start.
    """

    def __init__(self, workers: int = 1, segmenter: str | None = None) -> None:
        self._ray: Any = import_ray(data=True)
        self._index, self._segmenter = Index(segmenter is not None), segmenter
        self._rule: CountRule | None = None
        self._sides: dict[bool, Side] = {}
        self._data: Any = None
        self._places: dict[int, Any] = {}
        self._started = connect(workers)
        self._context = self._ray.data.DataContext.get_current()
        self._before = (self._context.enable_progress_bars, logging.getLogger("ray.data").level)
        self._context.enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)

    def load(self, chunks: Iterable[Chunk], near: bool = False) -> Loaded:
        """See `Backend`. The chunks go to the object store one by one."""
        refs = [self._ray.put(steps.packed_chunk(chunk, number)) for number, chunk in enumerate(chunks)]
        if not refs:
            refs = [self._ray.put(steps.packed_chunk(Chunk([], []), 0))]
        data = self._ray.data.from_arrow_refs(refs)
        settings = {"near": near, "segmenter": self._segmenter}
        return self._loaded(self._encoded(data.map_batches(steps.encode_chunk, fn_kwargs=settings, **_ONE)), near)

    def load_paths(self, paths: Paths, reading: Reading, near: bool = False) -> tuple[Loaded, Read]:
        """See `Backend`. Each file is read by one task; addresses such as s3://bucket/folder are read as well."""
        files = expand(paths)
        rows = [{"number": number, "path": path} for number, path in enumerate(files)]
        data = self._ray.data.from_items(rows, override_num_blocks=len(rows))
        settings = {"reading": reading, "near": near, "segmenter": self._segmenter}
        heads = self._encoded(data.map_batches(steps.encode_file, fn_kwargs=settings, **_ONE))
        account, counted = Account(reading.on_bad == "stop", False), Rows(reading)
        reads = [FileRead.of(head["read"]) for head in heads if head["read"]]
        if reading.quarantine is not None:
            check_output(reading.quarantine, "the quarantine file")
            write_text(reading.quarantine, "".join(line for read in reads for line in read.noted))
        for read in reads:
            read.add_to(account, counted)
        account.check(files, reading.max_bad)
        counted.check()
        loaded = self._loaded([head for head in heads if not head["read"]], near)
        return loaded, counted.read(account.lines, len(account.errors), account.duplicates)

    def solutions(self, paths: Paths, reading: Reading) -> Iterator[tuple[str, str | None]]:
        """See `Backend`. The files are read here, not by the workers."""
        for path in expand(paths):
            yield from pairs_of(read_file(path, reading, FileRead(path)))

    def count(self, rule: CountRule) -> tuple[Grams, dict[str, int]]:
        """See `Backend`."""
        self._rule = rule
        total = int(self._index.lengths[self._sides[False].documents.kept].sum())
        return with_salts(lambda salt: self._count(rule, max(1, -(-total // PART_IDS)), salt))

    def _count(self, rule: CountRule, parts: int, salt: int) -> tuple[Grams, dict[str, int]]:
        tables = self._tables(salt)
        asked: dict[str, Any] = {"places": self._places, "tables": tables, "rule": rule, "parts": parts}
        records = self._data.map_batches(steps.records, fn_kwargs=asked, **_ONE)
        groups = records.groupby("key", num_partitions=parts * rule.most_words)
        asked = {"tables": tables, "rule": rule, "parts": parts}
        found = GramCollector(salt)
        for row in groups.map_groups(steps.merge, fn_kwargs=asked, batch_format="pyarrow").iter_rows():
            merged = steps.unpacked_merged(row)
            if merged is None:
                raise HashCollision("two n-grams have one hash")
            found.add(merged)
        return found.grams(self._index.vocabulary.words), found.counts

    def holders(self, grams: Grams, labels: Ints, /, *, against: bool = False) -> Ints:
        """See `Backend`."""
        assert self._rule is not None, "count first"
        by_group = self._rule.by_group
        asked: dict[str, Any] = {"places": self._places, "tables": self._tables(grams.salt)}
        asked |= {"asked": self._ray.put((grams.bare(), labels)), "against": against, "by_group": by_group}
        found = self._data.map_batches(steps.holders, fn_kwargs=asked, **_ONE).iter_rows()
        parts = (np.frombuffer(row["found"], np.int64) for row in found)
        return add_holders(parts, int(labels.max(initial=-1)) + 1, by_group)

    def close(self) -> None:
        """See `Backend`."""
        self._data, self._places = None, {}
        self._context.enable_progress_bars = self._before[0]
        logging.getLogger("ray.data").setLevel(self._before[1])
        if self._started:
            self._ray.shutdown()

    def _encoded(self, data: Any) -> list[dict[str, Any]]:
        """Runs the first map and returns what the leading process needs of its rows, in order of the chunks."""
        self._data = data.materialize()
        return sorted(self._data.select_columns(steps.HEAD).iter_rows(), key=lambda head: int(head["number"]))

    def _loaded(self, heads: list[dict[str, Any]], near: bool) -> Loaded:
        low, ranges, numbers = 0, [], []
        for head in heads:
            encoded = steps.unpacked(head)
            numbers.append(self._index.add(encoded))
            ranges.append((low, low := low + len(encoded.lengths)))
        mined, against = self._index.close(near)
        self._sides = {False: mined, True: against}
        for head, number, (low, high) in zip(heads, numbers, ranges, strict=True):
            sides = [(side.documents.kept[low:high], side.documents.group[low:high]) for side in (mined, against)]
            self._places[head["number"]] = self._ray.put((number, self._index.lengths[low:high], sides))
        self._edges = self._ray.put((self._index.left, self._index.right, self._index.size))
        self._salted: tuple[int, Any] = (-1, None)
        return Loaded(mined, against, self._index.left, self._index.right, self._index.size)

    def _tables(self, salt: int) -> tuple[Any, Any]:
        if self._salted[0] != salt:
            self._salted = (salt, self._ray.put(self._index.codes(salt)))
        return self._edges, self._salted[1]
