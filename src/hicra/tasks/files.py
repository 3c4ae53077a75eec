"""Reads rows strictly from question files (JSON Lines, plain or gzip or zstd, and parquet) or from the Hugging Face hub.

A data set on the hub is read only if a setting allows the network; files need no network.
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
from hicra.install import install_command


def read_rows(path: Path, setting: str) -> Iterator[Record]:
    """Reads the rows of a file.

    Args:
        path: `.jsonl`, `.jsonl.gz`, `.jsonl.zst` or `.parquet`.
        setting: name of the setting that gave the path, for messages.

    Raises:
        ConfigError: there is no such file, or its format is unknown; the message names the nearest file.
        DataError: the file cannot be read, holds no row, or a line is no JSON object; the message has file and line.
    """
    if path.is_dir():
        raise ConfigError(f"{setting}: {shown(path)} is a folder", "name each file")
    try:
        files_of(path)
    except DataError as error:
        raise ConfigError(f"{setting}: {error.message}", error.fix) from None
    empty = True
    for record in records(path):
        empty = False
        yield record
    if empty:
        raise DataError(f"{shown(path)} holds no question", "check the path; an empty file cannot be used")


def hub_rows(name: str, config: str | None, split: str, *, network: bool) -> Iterator[Record]:
    """Reads the rows of a data set on the hub with the package `datasets`.

    Args:
        name: the data set, as in "openai/gsm8k".
        config: its configuration, or None.
        split: the split that is read.
        network: whether the user allowed the network.

    Raises:
        ConfigError: the network is not allowed.
        EngineError: `datasets` is not installed, or cannot load the data set.
    """
    if not network:
        raise ConfigError(
            f"{name} is a data set on the hub, and the network was not asked for",
            "give a file, or set task.settings.network: true to download it",
        )
    if importlib.util.find_spec("datasets") is None:
        raise EngineError("hub data sets need `datasets`, which is not installed", install_command("train"))
    if os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0"):
        raise ConfigError(f"{name} cannot be downloaded, because HF_HUB_OFFLINE is set", "unset it, or give a file")
    import datasets

    try:
        loaded = datasets.load_dataset(name, config, split=split)
    except Exception as error:  # the hub, the network or the loader may raise anything
        raise EngineError(
            f"datasets cannot load {name}: {error}", "check the name and the network, or give a file"
        ) from None
    for number, row in enumerate(loaded, 1):
        yield RowPlace(name, number), dict(row)


def column(row: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """Returns the first of these columns that the row has, or None."""
    return next((name for name in names if name in row), None)


def missing(where: RowPlace, what: str, names: tuple[str, ...], row: dict[str, Any], setting: str) -> DataError:
    """Makes the error for a row without any of these columns; it names the nearest column that the row has."""
    closest = next((found for name in names if (found := nearest(name, row))), None)
    known = f"did you mean {closest!r}?" if closest else f"{did_you_mean('', row)}."
    also = f" (nor {', '.join(names[1:])})" if len(names) > 1 else ""
    return DataError(
        f"{where}: no column {names[0]!r}{also} for the {what}", f"{known} Name the column with {setting}."
    )
