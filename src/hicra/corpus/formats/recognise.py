"""Finds which format a file has, and the function that reads its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hicra.corpus.fields import TEXTS, Normal
from hicra.corpus.formats.plain import plain_row
from hicra.corpus.formats.trl import trl_row
from hicra.corpus.formats.verl import verl_row


def reader_of(
    keys: Iterable[str], name: str, floats: Iterable[str] = ()
) -> tuple[str, Callable[[dict[str, Any]], Normal]]:
    """Returns the format of a file and the function that reads its rows.

    Args:
        keys: columns of a parquet file, or keys of the first good line of a JSON Lines file.
        name: the file's name; a verl dump is named after its step.
        floats: columns of a parquet file whose type is float; empty for JSON Lines.
    """
    keys, floats = list(keys), set(floats)
    if {"step", "prompt", "completion", "advantage"} <= set(keys) and floats:
        rewards = [key for key in keys if key in floats and key not in ("step", "advantage")]
        return "trl", lambda row: trl_row(row, rewards)
    if {"input", "output", "score"} <= set(keys) and not set(TEXTS) & set(keys):
        stem = name.split(".", 1)[0]
        return "verl", lambda row: verl_row(row, int(stem) if stem.isascii() and stem.isdigit() else None)
    return "plain", plain_row
