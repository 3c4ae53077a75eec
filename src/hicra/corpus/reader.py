"""Reading a corpus: files to rows, format by format, into the account.

Deviations: the paper names no format; what the contract leaves open is in `fields.py` and docs/corpus.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import polars as pl

from hicra.corpus.account import Account, Corpus, Item
from hicra.corpus.fields import CANONICAL, reader_of
from hicra.corpus.files import Paths, files_of
from hicra.corpus.lines import MAX_LINE, MAX_RATIO, read_lines, shown
from hicra.corpus.strict_json import BOM, BadRow, parse_object
from hicra.errors import DataError

MAX_BAD = 0.01


def read(
    paths: Paths,
    on_bad: Literal["stop", "skip"] = "stop",
    max_bad: float = MAX_BAD,
    *,
    keep_duplicates: bool = False,
    max_line: int = MAX_LINE,
    max_ratio: float = MAX_RATIO,
) -> Corpus:
    """Reads rollouts strictly.

    Args:
        paths: files or folders (all known files inside, in natural order); their order is the order of the rows.
        on_bad: "stop" raises at the first bad line; "skip" lists it in `errors` and goes on.
        max_bad: with "skip", the largest share of skipped lines.
        keep_duplicates: leave duplicates in `rows` (they are counted all the same).
        max_line: longest line in bytes.
        max_ratio: most decompressed bytes for a compressed one.

    Raises:
        BadLine: (a DataError) a bad line with on_bad="stop".
        DataError: a missing, unknown or damaged file, no rows, or more than `max_bad` skipped.
        ValueError: an unknown `on_bad`, or `max_bad` outside 0..1.
    """
    if on_bad not in ("stop", "skip"):
        raise ValueError(f"on_bad must be 'stop' or 'skip', not {on_bad!r}")
    if not 0 <= max_bad <= 1:
        raise ValueError(f"max_bad must be in [0, 1], not {max_bad!r}")
    account = Account(on_bad == "stop", keep_duplicates)
    files = files_of(paths)
    for path in files:
        if path.name.lower().endswith(".parquet"):
            account.take(_parquet_rows(path, account))
        else:
            account.take(_json_rows(path, account, max_line, max_ratio))
    lines = account.kept + account.duplicates + len(account.errors)
    if not lines:
        raise DataError(
            f"{', '.join(shown(path) for path in files)}: no rows", "an empty file cannot be used; check the path"
        )
    if len(account.errors) > max_bad * lines:
        first = account.errors[0]
        raise DataError(
            f"{len(account.errors)} of {lines} lines are bad, over the {max_bad:.3g} allowed; "
            f"the first: {first['file']} line {first['line']}: {first['reason']}",
            f"mend them, or allow them with --max-bad {min(1.0, len(account.errors) / lines + 0.005):.2f}",
        )
    return account.finish(files)


def inspect(paths: Paths, on_bad: Literal["stop", "skip"] = "stop", max_bad: float = MAX_BAD) -> dict[str, Any]:
    """What `hicra corpus inspect` prints; `rows` is the number of lines read. Arguments and errors as for `read`."""
    corpus = read(paths, on_bad, max_bad)
    return {
        "format": corpus.format,
        "columns": corpus.columns,
        "extra_columns": [column for column in corpus.rows.columns if column not in CANONICAL],
        "json_columns": corpus.json_columns,
        "rows": corpus.lines,
        "kept": corpus.kept,
        "skipped": corpus.skipped,
        "duplicates": corpus.duplicates,
        "errors": corpus.errors,
        "files": corpus.files,
    }


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
            yield row, normal(row)
        except BadRow as bad:
            account.bad(name, line.number, line.offset + shift + bad.at, bad.reason)
    if normal is None:
        account.empty_formats["jsonl"] = None


def _parquet_rows(path: Path, account: Account) -> Iterator[Item]:
    name = shown(path)
    try:
        with open(path, "rb") as file:  # a handle: polars would read [ ] * ? in a name as a pattern
            frame = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{name} is no readable parquet: {error}", "it may be half written; write or fetch it again"
        ) from None
    floats = [column for column, dtype in frame.schema.items() if dtype.is_float()]
    kind, normal = reader_of(frame.columns, path.name, floats)
    account.formats[kind if kind != "plain" else "parquet"] = None
    for number, row in enumerate(frame.iter_rows(named=True), 1):
        try:
            yield row, normal(row)
        except BadRow as bad:
            account.bad(name, number, None, bad.reason)
