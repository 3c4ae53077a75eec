"""Reads files of rows, each row with its place: JSON Lines (plain, gzip, zstd) strictly, JSON arrays,
logs of Inspect, and parquet in slices.

Every file of rows that a user hands to hicra is read here. The caller says which columns a row needs, what they may hold,
and what becomes of a bad row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import polars as pl

from hicra.corpus.eval_files import eval_values, is_eval
from hicra.corpus.first_bytes import LONGEST, refuse_other
from hicra.corpus.json_files import Found, is_json, json_values
from hicra.corpus.lines import MAX_LINE, MAX_RATIO, RawLine, read_lines, shown
from hicra.corpus.strict_json import BLANK, BOM, BadRow, JsonParser
from hicra.errors import DataError

SLICE_ROWS = 4096
SLICE_BYTES = 2**23  # of the compressed file, as if its rows were equally long
MIN_SLICE = 64
MAX_BLANK = 100  # lines at the end of a file; an editor leaves one or two
_BLANK = BLANK.encode()


class RowPlace(NamedTuple):
    """Says where a row stands.

    Attributes:
        file: name of the file (or of a data set on the hub).
        line: number of its line or row, from 1.
        offset: the (decompressed) byte where its text begins; None where there are no lines.
        size: number of bytes it takes, in parquet on average; 0 where unknown.
    """

    file: str
    line: int
    offset: int | None = None
    size: int = 0

    def __str__(self) -> str:
        return f"{self.file} line {self.line}"


Record = tuple[RowPlace, dict[str, Any]]
OnBad = Callable[[RowPlace, BadRow, bytes], None]


class RawRecord(NamedTuple):
    """Holds a row as it stands in its file.

    Attributes:
        place: where.
        row: the row, with null for every number of a JSON text that is not finite.
        data: the bytes of its text; empty where it has none of its own, as in parquet.
        odd: what is wrong where a number of the text is not finite.
    """

    place: RowPlace
    row: dict[str, Any]
    data: bytes
    odd: BadRow | None


def stop(place: RowPlace, bad: BadRow) -> None:
    """Raises DataError that names a bad line, which is what most readers do with one."""
    raise DataError(f"{place}: {bad.reason}", "each line is one JSON object; repair or remove it") from None


def records(
    path: Path,
    on_bad: Callable[[RowPlace, BadRow], None] = stop,
    *,
    half_surrogates: bool = False,
    max_line: int = MAX_LINE,
    max_ratio: float = MAX_RATIO,
) -> Iterator[Record]:
    """Yields the rows of a file, in order. Memory is bounded by the longest line, or by a slice of the parquet file.

    A byte order mark before the first line is no part of it. An empty line is a bad one unless nothing follows it, and so is
    one with a number that is not finite.

    Args:
        path: a parquet file, a JSON file or a log of Inspect (.eval) where its name ends so, else JSON Lines (as `read_lines`
            takes them).
        on_bad: called for each line that is no row; where it returns, the next line is read.
        half_surrogates: let a lone surrogate through, which a model may write and which is no text.
        max_line, max_ratio: as for `read_lines`.

    Raises:
        DataError: the file cannot be read as a whole, or what `on_bad` raises.
    """
    found = raw_records(
        path,
        lambda place, bad, _: on_bad(place, bad),
        half_surrogates=half_surrogates,
        max_line=max_line,
        max_ratio=max_ratio,
    )
    for place, row, _, odd in found:
        if odd is not None:
            on_bad(place, odd)
        else:
            yield place, row


def raw_records(
    path: Path,
    on_bad: OnBad,
    *,
    half_surrogates: bool = False,
    max_line: int = MAX_LINE,
    max_ratio: float = MAX_RATIO,
) -> Iterator[RawRecord]:
    """Yields the rows of a file as `records` does, also those with a number that is not finite; `on_bad` gets the bytes too."""
    if is_parquet(path):
        return _parquet_records(path)
    parser = JsonParser(half_surrogates)
    if is_eval(path):
        return _found_records(path, eval_values(path, parser, max_ratio), parser, on_bad, max_line)
    if is_json(path):
        return _json_records(path, parser, on_bad, max_line, max_ratio)
    return _line_records(path, parser, on_bad, max_line, max_ratio)


def is_parquet(path: Path) -> bool:
    """Says whether a file is a parquet file by its name."""
    return path.name.lower().endswith(".parquet")


def parquet_schema(path: Path) -> dict[str, pl.DataType]:
    """Returns the columns of a parquet file and their types; raises DataError where it is none."""
    with _opened(path) as file:
        return dict(pl.read_parquet_schema(file))


def _line_records(
    path: Path, parser: JsonParser, on_bad: OnBad, max_line: int, max_ratio: float
) -> Iterator[RawRecord]:
    name = shown(path)
    for line in _but_blank_end(read_lines(path, max_line, max_ratio)):
        data, offset = line.data, line.offset
        if line.number == 1 and data.startswith(BOM):
            data, offset = data[len(BOM) :], len(BOM)
        place = RowPlace(name, line.number, offset, len(data))
        try:
            if line.too_long:
                raise BadRow(f"longer than {max_line} bytes")
            row, odd = parser.parse(data)
        except BadRow as bad:
            on_bad(place, bad, data)
        else:
            yield RawRecord(place, row, data, odd)


def _but_blank_end(lines: Iterator[RawLine]) -> Iterator[RawLine]:
    """Yields the lines without blank ones at the very end, unless these are more than `MAX_BLANK`."""
    held: list[RawLine] = []
    many = False
    for line in lines:
        if line.too_long or line.data.strip(_BLANK):
            many = False
        elif not many:
            held.append(line)
            many = len(held) > MAX_BLANK
            if not many:
                continue
            line = held.pop()
        yield from held
        held.clear()
        yield line


def _json_records(
    path: Path, parser: JsonParser, on_bad: OnBad, max_line: int, max_ratio: float
) -> Iterator[RawRecord]:
    values = json_values(path, parser)
    if values is None:  # lines in spite of the name
        return _line_records(path, parser, on_bad, max_line, max_ratio)
    return _found_records(path, values, parser, on_bad, max_line)


def _found_records(
    path: Path, values: Iterator[Found], parser: JsonParser, on_bad: OnBad, max_line: int
) -> Iterator[RawRecord]:
    name = shown(path)
    for number, found in enumerate(values, 1):
        place = RowPlace(name, number, found.offset, len(found.data))
        try:
            if len(found.data) > max_line:
                raise BadRow(f"longer than {max_line} bytes")
            if found.bad is not None:
                raise found.bad
            row, odd = parser.checked(found.value, found.data)
        except BadRow as bad:
            on_bad(place, bad, found.data)
        else:
            yield RawRecord(place, row | found.beside, found.data, odd)


def _parquet_records(path: Path) -> Iterator[RawRecord]:
    name, number = shown(path), 0
    for frame in _slices(path):
        size = int(frame.estimated_size()) // max(1, frame.height)
        for row in frame.iter_rows(named=True):
            number += 1
            yield RawRecord(RowPlace(name, number, None, size), row, b"", None)


def _slices(path: Path) -> Iterator[pl.DataFrame]:
    """Yields the file in slices of at most `SLICE_ROWS` rows."""
    with _opened(path) as file:
        scan = pl.scan_parquet(file)
        height = int(scan.select(pl.len()).collect().item())
        size = max(MIN_SLICE, min(SLICE_ROWS, height * SLICE_BYTES // max(1, _size(file))))
        for begin in range(0, height, size):
            yield scan.slice(begin, size).collect()


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Opens the file as a handle, since polars would read [ ] * ? in a name as a pattern."""
    try:
        with open(path, "rb") as file:
            refuse_other(shown(path), file.peek(LONGEST), "parquet")
            yield file
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(
            f"{shown(path)} is no readable parquet: {error}",
            "a half written file is not readable parquet; write or fetch it again",
        ) from None


def _size(file: IO[bytes]) -> int:
    at = file.tell()
    end = file.seek(0, 2)
    file.seek(at)
    return end
