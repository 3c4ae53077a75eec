"""Says what a Ray task does: it turns one row of a Ray dataset into rows. The work itself is that of the local backend.

A row is packed: arrays and word lists are bytes, so that Ray never takes a row apart. Everything that is the same for all
rows comes as a reference into the object store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hicra.arrays import Hashes, Int32s
from hicra.mining.counting.index import block_of
from hicra.mining.counting.maps import encode, share
from hicra.mining.counting.ngrams import CountRule, HashCollision, Merged, block_holders, block_records, merge_records
from hicra.mining.counting.ray.files import FileRead, read_file
from hicra.mining.counting.rows import Reading
from hicra.mining.counting.words import Chunk, Encoded, Tokens

ARRAYS = {
    "ids": np.int32, "lengths": np.int64, "sizes": np.int64, "digest": np.uint64, "near": np.uint64,
    "question": np.uint64,
}  # fmt: skip
HEAD = ["number", "words", "lengths", "sizes", "digest", "near", "question", "against", "read"]  # all but the ids
COLLISION = -1
CHUNKS = 2**32  # chunks of a file, at most
Refs = Any


def _table(**columns: bytes | int | bool) -> Any:
    import pyarrow as pa

    types = {bytes: pa.large_binary(), int: pa.int64(), bool: pa.bool_()}
    return pa.table({name: pa.array([value], types[type(value)]) for name, value in columns.items()})


def _row(table: Any) -> dict[str, Any]:
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows[0]


def _get(refs: Refs) -> Any:
    import ray

    return ray.get(refs)


# ---- texts to word ids


def packed_chunk(chunk: Chunk, number: int) -> Any:
    """Returns a chunk as a table of one row."""
    import pyarrow as pa

    texts = [text.encode("utf-8", "surrogatepass") for text in chunk.texts]
    asked = [None if text is None else text.encode("utf-8", "surrogatepass") for text in chunk.questions]
    kind = pa.large_list(pa.large_binary())
    columns = {"texts": pa.array([texts], kind), "questions": pa.array([asked], kind)}
    return pa.table({"number": [number], "against": [chunk.against], **columns})


def encode_chunk(table: Any, near: bool, segmenter: str | None) -> Any:
    """Turns a chunk into its word ids; a map."""
    row = _row(table)
    texts = [text.decode("utf-8", "surrogatepass") for text in row["texts"]]
    asked = [None if text is None else text.decode("utf-8", "surrogatepass") for text in row["questions"]]
    return packed(encode(Chunk(texts, asked, row["against"]), near, segmenter), row["number"])


def encode_file(table: Any, reading: Reading, near: bool, segmenter: str | None) -> Iterator[Any]:
    """Turns a file into one row for each of its chunks, and a last one that says what was read; a map."""
    row = _row(table)
    number, report = row["number"] * CHUNKS, FileRead(row["path"])
    for chunk in read_file(row["path"], reading, report):
        yield packed(encode(chunk, near, segmenter), number)
        number += 1
    yield packed(encode(Chunk([], []), near, segmenter), number, report.pack())


def packed(encoded: Encoded, number: int, read: bytes = b"") -> Any:
    """Returns one row: an encoded chunk, its number, and what was read of a file."""
    words = "\n".join(encoded.words).encode("utf-8", "surrogatepass")  # no word holds white space
    arrays = {name: getattr(encoded, name).tobytes() for name in ARRAYS}
    return _table(number=number, words=words, against=encoded.against, read=read, **arrays)


def unpacked(row: dict[str, Any]) -> Encoded:
    """Returns the chunk of a row of `packed`, without ids where the row has none."""
    words = row["words"].decode("utf-8", "surrogatepass").split("\n")
    arrays = {name: np.frombuffer(row.get(name, b""), kind) for name, kind in ARRAYS.items()}
    for name in ("digest", "near", "question"):
        arrays[name] = arrays[name].reshape(-1, 2)
    return Encoded(words, against=row["against"], **arrays)


# ---- word ids to records, records to counts


def _block(row: dict[str, Any], places: Refs, edges: Refs, against: bool) -> tuple[Tokens, Int32s]:
    number, lengths, sides = _get(places[row["number"]])
    kept, group = sides[against]
    left, right, size = _get(edges)
    ids = number[np.frombuffer(row["ids"], np.int32)]
    return block_of(ids, lengths, kept, left, right, size), group[kept]


def records(table: Any, places: Refs, tables: Refs, rule: CountRule, parts: int) -> Iterator[Any]:
    """Turns a chunk into its records, a row for each n and part; a map."""
    row = _row(table)
    yield _table(key=parts, records=b"")  # so that there is a row
    if row["read"]:
        return
    (block, group), codes = _block(row, places, tables[0], against=False), _get(tables[1])
    try:
        for n in rule.widths(block):
            for part, piece in share(*block_records(block, codes, group, n, rule), parts):
                yield _table(key=n * parts + part, records=piece.tobytes())
    except HashCollision:
        yield _table(key=COLLISION, records=b"")


def merge(table: Any, tables: Refs, rule: CountRule, parts: int) -> Any:
    """Merges all rows of one part of one n into the n-grams that pass; a reduce."""
    key = table["key"][0].as_py()
    if key == COLLISION:
        return _packed_merged(None, COLLISION)
    n, codes = key // parts, _get(tables[1])
    pieces = [np.frombuffer(piece, np.int32).reshape(-1, n + 3) for piece in table["records"].to_pylist()]
    try:
        return _packed_merged(merge_records(np.concatenate(pieces), codes, n, rule), n)
    except HashCollision:
        return _packed_merged(None, COLLISION)


def _packed_merged(merged: Merged | None, n: int) -> Any:
    if merged is None:
        empty = np.empty(0, np.int64)
        merged = Merged(np.empty((0, 1), np.int32), np.empty(0, np.uint64), empty, empty, 0, 0, 0)
    arrays = {name: getattr(merged, name).tobytes() for name in ("words", "hash", "doc_freq", "occurrences")}
    return _table(n=n, ngrams=merged.ngrams, min_df=merged.min_df, max_df=merged.max_df, **arrays)


def unpacked_merged(row: dict[str, Any]) -> Merged | None:
    """Returns what `merge` found; None for a hash collision."""
    if row["n"] == COLLISION:
        return None
    words = np.frombuffer(row["words"], np.int32).reshape(-1, row["n"])
    hashes: Hashes = np.frombuffer(row["hash"], np.uint64)
    doc_freq, occurrences = (np.frombuffer(row[name], np.int64) for name in ("doc_freq", "occurrences"))
    return Merged(words, hashes, doc_freq, occurrences, row["ngrams"], row["min_df"], row["max_df"])


# ---- word ids to holders of labels


def holders(table: Any, places: Refs, tables: Refs, asked: Refs, against: bool, by_group: bool) -> Any:
    """Returns what `block_holders` finds in a chunk; a map."""
    row = _row(table)
    grams, labels = _get(asked)
    if row["read"]:
        empty = np.empty(0, np.int64) if by_group else np.zeros(int(labels.max(initial=-1)) + 1, np.int64)
        return _table(found=empty.tobytes())
    block, group = _block(row, places, tables[0], against)
    return _table(found=block_holders(block, _get(tables[1]), group, grams, labels, by_group).tobytes())
