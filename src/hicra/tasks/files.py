"""Rows of question files: JSON Lines (plain, gzip, zstd) and parquet, strictly, or of a data set on the Hugging Face hub.

A hub name is read only where a setting asks for the network; files need none.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hicra.corpus import files_of
from hicra.corpus.lines import shown
from hicra.corpus.records import Record, RowPlace, records
from hicra.errors import ConfigError, DataError, EngineError, did_you_mean, nearest


def read_rows(path: Path, setting: str) -> Iterator[Record]:
    """The rows of a file.

    Args:
        path: `.jsonl`, `.jsonl.gz`, `.jsonl.zst` or `.parquet`.
        setting: name of the setting that gave the path, for messages.

    Raises:
        ConfigError: no such file, or of an unknown kind; names the nearest.
        DataError: it cannot be read, holds no row, or a line is no JSON object; names file and line.
    """
    if path.is_dir():
        raise ConfigError(f"{setting}: {shown(path)} is a folder", "name the files one by one")
    try:
        files_of(path)
    except DataError as error:
        raise ConfigError(f"{setting}: {error.message}", error.fix) from None
    empty = True
    for record in records(path):
        empty = False
        yield record
    if empty:
        raise DataError(f"{shown(path)} holds no question", "an empty file cannot be used; check the path")


def hub_rows(name: str, config: str | None, split: str, *, network: bool) -> Iterator[Record]:
    """The rows of a data set on the hub, by `datasets`.

    Args:
        name: as "openai/gsm8k".
        network: whether the user asked for the network.

    Raises:
        ConfigError: the network was not asked for.
        EngineError: `datasets` is not installed, or cannot load it.
    """
    if not network:
        raise ConfigError(
            f"{name} is a data set on the hub, and the network was not asked for",
            "give a file, or set task.settings.network: true to fetch it",
        )
    if importlib.util.find_spec("datasets") is None:
        raise EngineError("hub data sets need `datasets`, which is not installed", "pip install 'hicra[train]'")
    if os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0"):
        raise ConfigError(f"{name} cannot be fetched: HF_HUB_OFFLINE is set", "unset it, or give a file")
    import datasets

    try:
        loaded = datasets.load_dataset(name, config, split=split)
    except Exception as error:  # whatever the hub, the network or its loader says
        raise EngineError(f"datasets cannot load {name}: {error}", "check name and network, or give a file") from None
    for number, row in enumerate(loaded, 1):
        yield RowPlace(name, number), dict(row)


def column(row: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of these columns that the row has."""
    return next((name for name in names if name in row), None)


def missing(where: RowPlace, what: str, names: tuple[str, ...], row: dict[str, Any], setting: str) -> DataError:
    """The error for a row without any of these columns; names the nearest one that it has."""
    closest = next((found for name in names if (found := nearest(name, row))), None)
    known = f"did you mean {closest!r}?" if closest else did_you_mean("", row)
    also = f" (nor {', '.join(names[1:])})" if len(names) > 1 else ""
    return DataError(f"{where}: no column {names[0]!r}{also} for the {what}", f"{known} Name it with {setting}.")
