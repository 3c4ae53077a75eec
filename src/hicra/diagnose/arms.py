"""Splits rows into arms by a column, and names them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from hicra.errors import DataError, did_you_mean

MAX_ARMS = 64
_UNSAFE = re.compile(r"[^\w.+=@() -]+")


def split(rows: pl.DataFrame, by: str, names: Mapping[str, str]) -> dict[str, pl.DataFrame]:
    """Returns the rows of each arm, by its name; arms are sorted by name.

    Args:
        by: a column under the input's name, or one of ours.
        names: column of the input -> column of the frame.

    Raises:
        DataError: there is no such column, or its values are no names: objects, lists, or more than `MAX_ARMS` of them.
    """
    column = names.get(by, by)
    if column not in rows.columns:
        raise DataError(
            f"--by {by}: the rows have no such column", did_you_mean(by, {*names, *rows.columns} - {"_group"})
        )
    if rows.schema[column].is_nested():
        raise DataError(f"--by {by}: its values are lists or objects", "name a column of texts or numbers")
    arms = pl.Series("_arm", [_name(value, by) for value in rows[column].to_list()], dtype=pl.String)
    found = sorted(arms.unique().to_list())
    if len(found) > MAX_ARMS:
        raise DataError(
            f"--by {by}: the column has {len(found)} values, an arm each", f"name a column of at most {MAX_ARMS} values"
        )
    return {arm: rows.filter(arms == arm) for arm in found}


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
