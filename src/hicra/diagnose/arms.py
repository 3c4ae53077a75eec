"""Names the arms that a column tells apart, and their folders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from hicra.errors import DataError, did_you_mean

MAX_ARMS = 64
_UNSAFE = re.compile(r"[^\w.+=@() -]+")


def column_of(by: str, schema: Mapping[str, pl.DataType], names: Mapping[str, str]) -> str:
    """Returns the column of the frames whose values are arms.

    Args:
        by: a column under the input's name, or one of ours.
        schema: of the frames.
        names: column of the input -> column of the frame.

    Raises:
        DataError: there is no such column, or its values are no names: objects or lists.
    """
    column = names.get(by, by)
    if column not in schema:
        raise DataError(f"--by {by}: the rows have no such column", did_you_mean(by, {*names, *schema}))
    if schema[column].is_nested():
        raise DataError(f"--by {by}: its values are lists or objects", "name a column of texts or numbers")
    return column


def names_of(values: pl.Series, by: str) -> list[str]:
    """Returns the name of the arm of each row."""
    return [_name(value, by) for value in values.to_list()]


def too_many(by: str, found: int) -> DataError:
    """Returns the error for a column with more than `MAX_ARMS` values."""
    return DataError(
        f"--by {by}: the column has {found} values, an arm each", f"name a column of at most {MAX_ARMS} values"
    )


def folders(arms: Sequence[str]) -> list[str]:
    """Returns a folder name for each arm: its name with what a file system may not like replaced, no two alike.

    >>> folders(["a/b", "a:b", "", ".x"])
    ['a_b', 'a_b-2', 'arm', 'arm.x']
    """
    taken: list[str] = []
    for arm in arms:
        name = _UNSAFE.sub("_", arm).strip()[:80]
        name = f"arm{name}" if not name or name[0] in ".-" else name
        number = 1
        while (unique := name if number == 1 else f"{name}-{number}").lower() in (other.lower() for other in taken):
            number += 1
        taken.append(unique)
    return taken


def _name(value: Any, by: str) -> str:
    if value is None:
        return f"no {by}"
    if isinstance(value, bool):
        return f"{by} {str(value).lower()}"
    if isinstance(value, str):
        return f'"{value}"' if value == f"no {by}" else value  # it is another arm than that of the rows without a value
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{by} {short if not isinstance(value, float) or float(short) == value else repr(value)}"
