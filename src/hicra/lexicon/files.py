"""Reads what a lexicon is made of from files, strictly: the lines of a list of phrases, or the two files of a folder."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from hicra.artifacts import read_manifest
from hicra.errors import ArtifactError, DataError

KIND, SCHEMA_VERSION = "hicra.lexicon", 1
MINE_AGAIN = "mine or copy the lexicon again"
ROWS = (".jsonl", ".json", ".csv", ".parquet", ".jsonl.gz", ".jsonl.zst")  # what ends so holds rows, never phrases
_PHRASES = (
    "a list of phrases is UTF-8 text with one phrase a line; `hicra mine PATH -o LEXICON` makes a lexicon of rollouts"
)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def text_lines(path: Path) -> list[str]:
    """Returns the lines of a list of phrases, empty ones too.

    Raises:
        DataError: it cannot be read, is not UTF-8 text, or holds rows instead of phrases.
    """
    if path.name.lower().endswith(ROWS):
        raise DataError(f"{path} is a file of rows by its name, no list of phrases", _PHRASES)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", "check the path and its rights") from None
    if found := _CONTROL.search(data):
        line = data.count(b"\n", 0, found.start()) + 1
        raise DataError(
            f"{path}, line {line} holds the control character U+{found[0][0]:04X}: it is not a list of phrases",
            _PHRASES,
        )
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8", "save the phrase list as UTF-8") from None
    if (row := next((number for number, line in enumerate(lines, 1) if _is_object(line)), None)) is not None:
        raise DataError(f"{path}, line {row} is a JSON object: it is not a list of phrases", _PHRASES)
    return lines


def read_folder(path: Path) -> tuple[dict[str, Any], pl.DataFrame]:
    """Returns what lexicon.json and grams.parquet hold; whether they belong together is not looked at here.

    Raises:
        ArtifactError: one is absent, damaged, or of a newer schema.
    """
    manifest = read_manifest(path / "lexicon.json", KIND, SCHEMA_VERSION)
    _check_manifest(manifest, path / "lexicon.json")
    try:
        table = pl.read_parquet(path / "grams.parquet", glob=False)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ArtifactError(f"{path / 'grams.parquet'} is not readable: {_line(error)}", MINE_AGAIN) from None
    if missing := [column for column in ("gram", "weight") if column not in table.columns]:
        raise ArtifactError(f"{path / 'grams.parquet'} has no column {missing[0]!r}", MINE_AGAIN)
    return manifest, table


def _check_manifest(manifest: Mapping[str, Any], file: Path) -> None:
    """Raises ArtifactError where a value of lexicon.json is of another type than `save` writes."""
    threshold, source = manifest.get("threshold"), manifest.get("source")
    number = isinstance(threshold, int | float) and not isinstance(threshold, bool) and math.isfinite(threshold)
    right = {
        "threshold": threshold is None or number,
        "licence": isinstance(manifest.get("licence"), str | None),
        "settings": isinstance(manifest.get("settings"), dict | None),
        "statistics": isinstance(manifest.get("statistics"), dict | None),
        "source": source is None or (isinstance(source, list) and all(isinstance(one, str) for one in source)),
    }
    if wrong := [key for key, holds in right.items() if not holds]:
        raise ArtifactError(f"{wrong[0]} in {file} is {str(manifest[wrong[0]])[:60]!r}", MINE_AGAIN)


def _is_object(line: str) -> bool:
    """Says whether a line of text is a JSON object."""
    try:
        return line.lstrip().startswith("{") and type(json.loads(line)) is dict
    except (ValueError, RecursionError):
        return False


def _line(error: BaseException) -> str:
    """Returns the first line of what another library says."""
    return str(error).strip().partition("\n")[0][:200]
