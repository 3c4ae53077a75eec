"""One file to its rows, good ones as items, bad ones to the account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import polars as pl

from hicra.corpus.account import Account
from hicra.corpus.formats.recognise import reader_of
from hicra.corpus.lines import read_lines, shown
from hicra.corpus.schema import Item
from hicra.corpus.strict_json import BOM, BadRow, parse_object
from hicra.errors import DataError

SLICE_ROWS = 4096
SLICE_BYTES = 2**23  # of the packed file, taken to hold its rows evenly
MIN_SLICE = 64


def rows_of(path: Path, account: Account, max_line: int, max_ratio: float) -> Iterator[Item]:
    """The good rows of a file, in order; memory is bounded by the longest line or by a slice of the parquet file."""
    if path.name.lower().endswith(".parquet"):
        return _parquet_rows(path, account)
    return _json_rows(path, account, max_line, max_ratio)


def _json_rows(path: Path, account: Account, max_line: int, max_ratio: float) -> Iterator[Item]:
    normal = None
    name = shown(path)
    for line in read_lines(path, max_line, max_ratio):
        data, shift = line.data, 0
        if line.number == 1 and data.startswith(BOM):
            data, shift = data[len(BOM) :], len(BOM)
        try:
            if line.too_long:
                raise BadRow(f"longer than {max_line} bytes")
            row = parse_object(data)
            if normal is None:
                kind, normal = reader_of(row, path.name)
                account.formats[kind if kind != "plain" else "jsonl"] = None
            yield Item(row, *normal(row), len(data))
        except BadRow as bad:
            account.bad(name, line.number, line.offset + shift + bad.at, bad.reason)
    if normal is None:
        account.empty_formats["jsonl"] = None


def _parquet_rows(path: Path, account: Account) -> Iterator[Item]:
    name = shown(path)
    normal, number = None, 0
    for frame in _slices(path):
        if normal is None:
            floats = [column for column, dtype in frame.schema.items() if dtype.is_float()]
            kind, normal = reader_of(frame.columns, path.name, floats)
            account.formats[kind if kind != "plain" else "parquet"] = None
        size = int(frame.estimated_size()) // max(1, frame.height)
        for row in frame.iter_rows(named=True):
            number += 1
            try:
                yield Item(row, *normal(row), size)
            except BadRow as bad:
                account.bad(name, number, None, bad.reason)


def _slices(path: Path) -> Iterator[pl.DataFrame]:
    """The file in slices of at most `SLICE_ROWS` rows, at least one (which may be empty)."""
    try:
        with open(path, "rb") as file:  # a handle: polars would read [ ] * ? in a name as a pattern
            scan = pl.scan_parquet(file)
            height = int(scan.select(pl.len()).collect().item())
            size = max(MIN_SLICE, min(SLICE_ROWS, height * SLICE_BYTES // max(1, _size(file))))
            for begin in range(0, max(height, 1), size):
                yield scan.slice(begin, size).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{shown(path)} is no readable parquet: {error}", "it may be half written; write or fetch it again"
        ) from None


def _size(file: IO[Any]) -> int:
    at = file.tell()
    end = file.seek(0, 2)
    file.seek(at)
    return end
