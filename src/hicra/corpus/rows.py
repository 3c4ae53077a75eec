"""Reads the rows of one file of rollouts: good ones become items, bad ones go to the account."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hicra.corpus.account import Account
from hicra.corpus.eval_files import is_eval
from hicra.corpus.formats.interface import Context, Decode, Format
from hicra.corpus.formats.plain import PLAIN
from hicra.corpus.formats.recognise import format_of, nearest_layout
from hicra.corpus.json_files import is_json
from hicra.corpus.lines import MAX_LINE, MAX_RATIO, shown
from hicra.corpus.mapping import PER_TOKEN, smallest_right, value_at
from hicra.corpus.records import RawRecord, is_parquet, parquet_schema, raw_records
from hicra.corpus.schema import Item
from hicra.corpus.strict_json import BadRow
from hicra.errors import DataError, did_you_mean

ALIKE = 99  # rows that are looked at after one whose field is wrong, to say whether all are like that


@dataclass(frozen=True)
class How:
    """Says how files are read.

    Attributes:
        mapping: field of ours -> the column that the user says it is.
        decode: turns token ids into text, for dumps that hold no text.
        max_line, max_ratio: as for `read_lines`.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    decode: Decode | None = None
    max_line: int = MAX_LINE
    max_ratio: float = MAX_RATIO


def rows_of(path: Path, account: Account, how: How = How()) -> Iterator[Item]:
    """Yields the good rows of a file, in order; several where a line holds several responses.

    Raises:
        DataError: the file cannot be read, or a column of the mapping is in none of its rows.
    """
    context = Context(path, how.mapping, how.decode)
    plain = "parquet" if is_parquet(path) else "json" if is_json(path) or is_eval(path) else "jsonl"
    known: Format | None = None
    columns: dict[str, None] = {}
    if is_parquet(path):
        columns = dict.fromkeys(schema := parquet_schema(path))
        context.floats = frozenset(name for name, dtype in schema.items() if dtype.is_float())
        known = _known(columns, context, account, plain)
    records = raw_records(path, account.bad, max_line=how.max_line, max_ratio=how.max_ratio)
    for record in records:
        if known is None:
            known = _known(record.row, context, account, plain)
        if how.mapping and len(context.met) < len(how.mapping):
            columns |= dict.fromkeys(record.row)
        try:
            yield from _items(record, known, context, account)
        except BadRow as bad:
            if bad.fix:
                bad.reason += f"; {nearest_layout(record.row, context)}"
            if (
                account.stop
                and bad.field
                and (alike := _alike(bad, itertools.islice(records, ALIKE), known, context, account))
            ):
                bad.reason += f"; so it is in {'the row' if alike == 1 else f'the {alike} rows'} after it"
                bad.fix = f"write it so in every row, or name another column: --map {bad.field}=COLUMN"
            account.bad(record.place, bad, record.data)
    if known is None:
        account.empty_formats[plain] = None
    elif columns:
        _refuse_unmet(path, context, columns)


def _known(keys: Mapping[str, object], context: Context, account: Account, plain: str) -> Format:
    found = format_of(keys.keys(), context)
    account.formats[found.name or plain] = None
    return found


def _items(record: RawRecord, known: Format, context: Context, account: Account) -> Iterator[Item]:
    row = record.row
    if known is PLAIN:
        if record.odd is not None:
            raise record.odd
    elif is_parquet(context.path):
        row = _nulled(row)
    for name in PER_TOKEN:
        if name in context.mapping:
            there, value = value_at(row, context.mapping[name])
            if there:
                context.met.add(name)
            row = {**row, name: value}
    responses = known.responses(row, context)
    if not responses:
        account.without_response += 1
    for part, one in enumerate(responses):
        key = None if one.key is None else (known.name, one.key)
        yield Item(row, one.values, one.taken, record.place.size // len(responses), part, key)


def _alike(bad: BadRow, after: Iterator[RawRecord], known: Format, context: Context, account: Account) -> int:
    """Returns the number of the rows after a bad one where each of them is bad in the same field, else 0; reading stops there."""
    rows = 0
    try:
        for record in after:
            try:
                list(_items(record, known, context, account))
            except BadRow as other:
                if other.field != bad.field:
                    return 0
                rows += 1
            else:
                return 0
    except DataError:  # a line that is no row at all
        return 0
    return rows


def _nulled(value: Any) -> Any:
    """Returns a value with null for every float that is not finite."""
    if type(value) is float:
        return value if math.isfinite(value) else None
    if type(value) is list:
        return [_nulled(one) for one in value]
    if type(value) is dict:
        return {name: _nulled(one) for name, one in value.items()}
    return value


def _refuse_unmet(path: Path, context: Context, columns: Mapping[str, object]) -> None:
    """Raises DataError where a column of the mapping was in no row."""
    for ours, theirs in context.mapping.items():
        if ours not in context.met:
            rule = smallest_right(theirs) if ours == "correct" else None
            column = theirs if rule is None else rule[0]
            raise DataError(
                f"{shown(path)} has no column {column!r}, which --map gives as {ours}", did_you_mean(column, columns)
            )
