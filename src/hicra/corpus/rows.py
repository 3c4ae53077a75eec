"""Reads the rows of one file of rollouts: good ones become items, bad ones go to the account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hicra.corpus.account import Account
from hicra.corpus.formats.recognise import reader_of
from hicra.corpus.lines import MAX_LINE, MAX_RATIO
from hicra.corpus.records import is_parquet, parquet_schema, records
from hicra.corpus.schema import Item
from hicra.corpus.strict_json import BadRow


def rows_of(path: Path, account: Account, max_line: int = MAX_LINE, max_ratio: float = MAX_RATIO) -> Iterator[Item]:
    """Yields the good rows of a file, in order."""
    plain, normal = "jsonl", None
    if is_parquet(path):
        plain, schema = "parquet", parquet_schema(path)
        kind, normal = reader_of(schema, path.name, [name for name, dtype in schema.items() if dtype.is_float()])
        account.formats[plain if kind == "plain" else kind] = None
    for place, row in records(path, account.bad, max_line=max_line, max_ratio=max_ratio):
        if normal is None:
            kind, normal = reader_of(row, path.name)
            account.formats[plain if kind == "plain" else kind] = None
        try:
            yield Item(row, *normal(row), place.size)
        except BadRow as bad:
            account.bad(place, bad)
    if normal is None:
        account.empty_formats[plain] = None
