"""Makes the maps and reduces that every backend uses out of the counting in ngrams.py."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

import numpy as np

from hicra.arrays import Hashes, Int32s, Ints
from hicra.mining.counting.ngrams import CountRule, block_records
from hicra.mining.counting.words import Chunk, Encoded, Encoder, Tokens

PART_IDS = 2**22  # word ids of the corpus for each part of the records


@functools.cache
def _encoder(segmenter: str | None) -> Encoder:
    return Encoder(segmenter)  # one in each worker process, since it remembers words


def encode(chunk: Chunk, near: bool, segmenter: str | None) -> Encoded:
    """Encodes a chunk in a worker process: the first map."""
    return _encoder(segmenter).encode(chunk, near)


def records_of(block: Tokens, codes: Hashes, group: Int32s, rule: CountRule) -> list[tuple[int, Hashes, Int32s]]:
    """Returns n, hashes and records of one block for each n: the second map."""
    return [(n, *block_records(block, codes, group, n, rule)) for n in rule.widths(block)]


def share(hashes: Hashes, records: Int32s, parts: int) -> Iterator[tuple[int, Int32s]]:
    """Splits records into parts by the hash modulo the number of parts."""
    if parts == 1:
        yield 0, records
        return
    part = (hashes % np.uint64(parts)).astype(np.int64)
    order = np.argsort(part, kind="stable")
    ends = np.cumsum(np.bincount(part, minlength=parts))
    ordered = records[order]
    for number, end in enumerate(ends.tolist()):
        yield number, ordered[ends[number - 1] if number else 0 : end]


def add_holders(parts: Iterable[Ints], labels: int, by_group: bool) -> Ints:
    """Adds up what `block_holders` found in each block, [K] int64: its reduce."""
    if not by_group:
        return sum(parts, np.zeros(labels, np.int64))
    pairs = np.empty(0, np.int64)
    for part in parts:
        pairs = np.union1d(pairs, part)
    return np.bincount(pairs % max(labels, 1), minlength=labels).astype(np.int64)
