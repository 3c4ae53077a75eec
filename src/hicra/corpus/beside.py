"""Finds what lies in a folder beside the rollouts that are read from it, so that nothing is passed over in silence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from hicra.corpus.files import (
    SETTINGS,
    SUFFIXES,
    Paths,
    files_of,
    inner_folders,
    known_files,
    natural,
    of_writer,
    opened,
    rows_in,
)
from hicra.corpus.lines import shown

_JSON = (
    "a .json file beside .jsonl, .parquet or .eval files, or in an inner folder, is taken for settings or a summary; name the "
    "file to read it"
)
_SUMMARY = "its writer puts it beside the rollouts, as a summary; name the file to read it"
_OTHER = "hicra reads no files of this ending; write the rows as .jsonl or .parquet"
_FOLDER = "a folder beside files that are read is not opened; name it to read the rollouts in it"
_OWN = ("hicra.json", "lexicon.json", "eval.json")  # a folder with one of these is what hicra wrote
# what a folder of rollouts, of a run, of a model or of a data set holds and is surely none of its rows
_NO_ROWS = re.compile(
    r".+\.(md|rst|log|html?|svg|png|jpe?g|gif|webp|pdf|ya?ml|toml|ini|cfg|py|sh|ipynb|lock|jinja|sha256"
    r"|safetensors|bin|pth?|ckpt|gguf|onnx|model|msgpack|h5)"
    r"|(readme|license|licence|notice|changelog|citation|makefile|dockerfile)(\..*)?"
    r"|(requirements|merges|vocab)\.txt|events\.out\.tfevents\..*"
    r"|(results_.*|(all|train|eval)_results|manifest|method|eval|evaluation|findings|signal|judged_errors)\.json",
    re.IGNORECASE,
)


def left_out(paths: Paths) -> list[dict[str, str]]:
    """Returns {file, reason} for each file, or inner folder with rollouts, that lies in a folder of `paths` and is not read.

    Hidden ones, empty files, and those of other endings that surely hold no rows (`may_hold_rows`) are not told. In the folder
    of a known writer only that of the rollouts is looked at, and no folder that hicra itself wrote is.

    Raises:
        DataError: as for `files_of`.
    """
    listed = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    found: dict[str, str] = {}
    folders = [path for path in listed if path.is_dir()]
    read = {*listed, *(files_of(folders) if folders else ())}
    for path in folders:
        for folder in _looked_at(path):
            found |= {shown(entry): why for entry, why in _beside(folder, read)}
    return [{"file": file, "reason": why} for file, why in found.items()]


def may_hold_rows(name: str) -> bool:
    """Says whether a file may hold rollouts, by its name: it is no settings, weights, log, picture or page.

    >>> [may_hold_rows(name) for name in ("rollouts.csv", "config.json", "README.md", "model.safetensors")]
    [True, False, False, False]
    """
    return not (SETTINGS.fullmatch(name) or _NO_ROWS.fullmatch(name))


def _looked_at(path: Path) -> Iterator[Path]:
    """Yields the folders that reading a folder opens."""
    written = of_writer(path)
    if written is not None:
        yield from dict.fromkeys(file.parent for file in written)
        return
    yield path
    if not known_files(path):
        for folder in inner_folders(path):
            yield from opened(folder)


def _beside(folder: Path, read: set[Path]) -> Iterator[tuple[Path, str]]:
    """Yields what of one folder is not read, and why."""
    files = [entry for entry in folder.iterdir() if not entry.name.startswith(".") and entry.is_file()]
    for file in sorted(files, key=lambda file: (natural(file.name), file.name)):
        if file in read or not file.stat().st_size:
            continue
        if file.name.lower().endswith(SUFFIXES):
            yield file, _JSON if file.name.lower().endswith(".json") else _SUMMARY
        elif may_hold_rows(file.name):
            yield file, _OTHER
    if any(file in read for file in files):
        for inner in inner_folders(folder):
            if inner not in read and not any(file.is_relative_to(inner) for file in read) and _holds_rollouts(inner):
                yield inner, _FOLDER


def _holds_rollouts(folder: Path) -> bool:
    if any((folder / name).exists() for name in _OWN):
        return False
    return bool(rows_in(folder)) or any(map(_holds_rollouts, inner_folders(folder)))
