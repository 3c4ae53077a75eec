"""Reads scores strictly from a table (.csv, .jsonl, .parquet) with the columns arm, seed, value and optional question."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hicra.compare.scores import Scores, Seed
from hicra.corpus.records import RowPlace, parquet_schema, records, stop
from hicra.corpus.strict_json import EMPTY, BadRow
from hicra.errors import DataError, did_you_mean

SUFFIXES = (".csv", ".jsonl", ".parquet")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WORDS = {"true": 1.0, "false": 0.0}
Row = tuple[str, dict[str, Any]]


def read_tables(paths: Sequence[Path], column: str = "value") -> Scores:
    """Reads one or several tables as one.

    Args:
        paths: the tables.
        column: the column that holds the values.

    Raises:
        DataError: a table is unreadable or empty, lacks a column, holds a value that is no finite number (the message has file
            and line), or is refused by Scores.from_rows.
    """
    arms: list[str] = []
    seeds: list[Seed] = []
    questions: list[str] = []
    values: list[float] = []
    places: list[str] = []
    asked: bool | None = None
    for path in paths:
        names, rows = _READERS[path.suffix.lower()](path)
        _need_columns(path, names, column)
        if asked is not None and asked != ("question" in names):
            raise DataError(
                f"{path} has {'a' if 'question' in names else 'no'} column `question`, unlike the table before it",
                "give all tables the same columns",
            )
        asked = "question" in names
        before = len(places)
        for place, row in rows:
            arms.append(_name(row["arm"], "arm", place))
            seeds.append(_seed(row["seed"], place))
            values.append(_value(row[column], column, place))
            if asked:
                questions.append(_name(row["question"], "question", place))
            places.append(place)
        if len(places) == before:
            raise DataError(f"{path} holds no row", "give a table with one row per arm and seed")
    return Scores.from_rows(arms, seeds, questions if asked else None, values, places.__getitem__)


def is_table(path: Path) -> bool:
    """Tells from its first row whether a file has the columns arm and seed, and does not only end like a table."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".csv":
            with open(path, encoding="utf-8-sig", newline="") as file:
                names = {name.strip() for name in next(csv.reader(file), ())}
        elif suffix in SUFFIXES:
            names = set(parquet_schema(path) if suffix == ".parquet" else next(records(path))[1])
        else:
            return False
    except (DataError, OSError, UnicodeDecodeError, csv.Error, StopIteration):
        return False
    return {"arm", "seed"} <= names


def _need_columns(path: Path, names: Sequence[str], column: str) -> None:
    if not names:
        raise DataError(
            f"{path} has no column 'arm': it is empty", "a table has the columns arm, seed, value and optional question"
        )
    for name in ("arm", "seed", column):
        if name not in names:
            raise DataError(
                f"{path} has no column {name!r}; its columns: {', '.join(names)}",
                f"{did_you_mean(name, names)}; a table has the columns arm, seed, value and optional question",
            )


def _csv(path: Path) -> tuple[list[str], Iterator[Row]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, cells) for cells in reader if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not readable CSV: {error}", "save it as UTF-8 text with commas") from None
    names = [name.strip() for name in lines[0][1]] if lines else []
    if twice := {name for name in names if names.count(name) > 1}:
        raise DataError(f"{path} has the column {min(twice)!r} twice", "name each column once")

    def rows() -> Iterator[Row]:
        for line, cells in lines[1:]:
            if len(cells) != len(names):
                raise DataError(
                    f"{path} line {line} has {len(cells)} fields, the header {len(names)}", "give one field per column"
                )
            yield f"{path} line {line}", dict(zip(names, cells, strict=True))

    return names, rows()


def _jsonl(path: Path) -> tuple[list[str], Iterator[Row]]:
    rows = list(records(path, _skip_blank))
    names = list(rows[0][1]) if rows else []

    def checked() -> Iterator[Row]:
        for place, row in rows:
            if row.keys() != rows[0][1].keys():
                odd = min(row.keys() ^ rows[0][1].keys())
                raise DataError(
                    f"{place}: {odd!r} is in this row or in the first, not in both", "give all rows the same keys"
                )
            yield str(place), row

    return names, checked()


def _skip_blank(place: RowPlace, bad: BadRow) -> None:
    """Skips an empty line, which tables written by hand may have, and stops at anything else."""
    if bad.reason != EMPTY:
        stop(place, bad)


def _parquet(path: Path) -> tuple[list[str], Iterator[Row]]:
    return list(parquet_schema(path)), ((f"{place.file} row {place.line}", row) for place, row in records(path))


_READERS = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}


def _name(given: Any, column: str, place: str) -> str:
    if isinstance(given, str) and given.strip():
        return given
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    raise DataError(f"{place}: {column} is {given!r}, it must be a text or an integer", f"fill in {column}")


def _seed(given: Any, place: str) -> Seed:
    if isinstance(given, str) and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", given, re.ASCII):
        return int(given)
    if isinstance(given, float) and given.is_integer():
        return int(given)
    if (isinstance(given, str) and given.strip()) or (isinstance(given, int) and not isinstance(given, bool)):
        return given
    raise DataError(f"{place}: seed is {given!r}, it must be an integer or a text", "fill in the seed")


def _value(given: Any, column: str, place: str) -> float:
    if isinstance(given, str):
        text = given.strip()
        given = float(text) if _NUMBER.fullmatch(text) else _WORDS.get(text.lower(), given)
    if isinstance(given, bool | int | float) and math.isfinite(number := _float(given)):
        return number
    raise DataError(
        f"{place}: {column} is {given!r}, it must be a finite number",
        "write it with a full stop"
        if isinstance(given, str) and re.fullmatch(r"[-+]?\d*,\d+", given.strip())
        else "leave that seed out of every arm, and report that you did",
    )


def _float(given: float) -> float:
    try:
        return float(given)
    except OverflowError:
        return math.inf
