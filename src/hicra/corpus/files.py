"""Finds the files that a path stands for."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from hicra.corpus.lines import shown
from hicra.errors import DataError

JSON_LINES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
SUFFIXES = (*JSON_LINES, ".parquet")
Paths = str | Path | Iterable[str | Path]


def files_of(paths: Paths) -> list[Path]:
    """Returns the files behind the paths.

    A folder stands for the known files in it (of a hicra run: in its rollouts/; of a TRL output folder without any: in its
    completions/), sorted by name with numbers as numbers; hidden ones are left out.

    Raises:
        DataError: a path does not exist or has an unknown suffix, or a folder has no known file.
    """
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    if not listed:
        raise DataError("no path to read", "name a file or folder")
    return [file for path in listed for file in _files(Path(path))]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        inner = path / "rollouts"
        found = _known(inner if (path / "hicra.json").exists() and inner.is_dir() else path)
        if not found and (path / "completions").is_dir():
            found = _known(path / "completions")
        if not found:
            raise DataError(f"folder {shown(path)} holds no {', '.join(SUFFIXES)} file", "check the path")
        return found
    if not path.exists():
        parent = path.parent
        names = os.listdir(parent) if parent.is_dir() else []
        close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
        raise DataError(
            f"no such file: {shown(path)}", f"did you mean {shown(parent / close[0])}?" if close else "check the path"
        )
    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{shown(path)}: unknown type of file", f"hicra reads {', '.join(SUFFIXES)}")
    return [path]


def _known(folder: Path) -> list[Path]:
    found = [
        path
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith(".") and path.name.lower().endswith(SUFFIXES)
    ]
    return sorted(found, key=lambda path: (_natural(path.name), path.name))


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part), "") if index % 2 else (1, 0, part) for index, part in enumerate(parts) if part]
