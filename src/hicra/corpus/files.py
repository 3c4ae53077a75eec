"""Finds the files that a path stands for."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from hicra.corpus.eval_files import SUFFIX
from hicra.corpus.lines import shown
from hicra.corpus.mapping import ALSO, NAMES
from hicra.errors import DataError

JSON_LINES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
ROWS = (*JSON_LINES, ".parquet", SUFFIX)
SUFFIXES = (*ROWS, ".json")
_JSON_BESIDE = (
    "a .json file beside .jsonl, .parquet or .eval files is taken for settings or a summary; name the file to read it"
)
_SUMMARY = "its writer puts it beside the rollouts, as a summary; name the file to read it"
Paths = str | Path | Iterable[str | Path]


def files_of(paths: Paths) -> list[Path]:
    """Returns the files behind the paths.

    A folder stands for the known files in it, sorted by name with numbers as numbers; hidden ones are left out, and .json files
    where there are others. Where it is a folder of a known writer it stands for the rollouts in it (`_of_writer`), where it has
    no known files of its own for those of the folders in it.

    Raises:
        DataError: a path does not exist or has an unknown suffix, or a folder has no known file.
    """
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    if not listed:
        raise DataError("no path to read", "name a file or folder")
    return [file for path in listed for file in _files(Path(path))]


def left_out(paths: Paths) -> list[dict[str, str]]:
    """Returns {file, reason} for each known file that lies in a folder beside the files read, and is not one of them."""
    listed = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    within = [file for path in listed if path.is_dir() for file in _files(path)]
    read, folders = {*listed, *within}, dict.fromkeys(file.parent for file in within)
    beside = [
        (folder, name)
        for folder in folders
        for name in sorted(os.listdir(folder), key=lambda name: (_natural(name), name))
        if name.lower().endswith(SUFFIXES) and not name.startswith(".") and folder / name not in read
    ]
    return [
        {"file": shown(folder / name), "reason": _JSON_BESIDE if name.lower().endswith(".json") else _SUMMARY}
        for folder, name in beside
        if (folder / name).is_file()
    ]


def rollout_names(names: Sequence[str]) -> list[str]:
    """Returns which of the names of a folder's files are those of rollouts, in natural order."""
    found = [name for name in names if not name.startswith(".")]
    rows = [name for name in found if name.lower().endswith(ROWS)]
    beside = {name for name in rows if _beside_rollouts(name, rows)}
    chosen = [name for name in rows if name not in beside] or [
        name for name in found if name.lower().endswith(SUFFIXES) and name not in rows
    ]
    return sorted(chosen, key=lambda name: (_natural(name), name))


def _beside_rollouts(name: str, names: Sequence[str]) -> bool:
    """Says whether a file is one that its writer puts beside the rollouts: a summary, or what the run was."""
    if name == "aggregated_results.jsonl":  # SkyRL
        return len(names) > 1
    run = name.removesuffix("_metadata.jsonl")  # Open Instruct
    return run != name and any(other.startswith(f"{run}_rollouts_") for other in names)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        of_writer = _of_writer(path)
        found = _within(path) if of_writer is None else of_writer
        if not found:
            raise DataError(f"folder {shown(path)} holds no {', '.join(SUFFIXES)} file", "check the path")
        return found
    if path.is_symlink() and not path.exists():
        raise DataError(
            f"no such file: {shown(path)} is a link to {shown(path.readlink())}, which is not there", "check the link"
        )
    if not path.exists():
        parent = path.parent
        names = os.listdir(parent) if parent.is_dir() else []
        close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
        if str(path).partition("=")[0] in (*NAMES, *ALSO) and "=" in str(path) and not close:
            raise DataError(f"no such file: {shown(path)}", f"repeat --map for each field: --map {shown(path)}")
        raise DataError(
            f"no such file: {shown(path)}", f"did you mean {shown(parent / close[0])}?" if close else "check the path"
        )
    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{shown(path)}: unknown type of file", f"hicra reads {', '.join(SUFFIXES)}")
    return [path]


def _of_writer(path: Path) -> list[Path] | None:
    """Returns the rollouts of a folder that is known by what lies in it, or None where it is not known."""
    rollouts, samples = path / "rollouts", path / "samples"
    if (path / "hicra.json").exists() and (path / "signal.json").exists() and not rollouts.is_dir():
        raise DataError(
            f"folder {shown(path)} holds a measured signal and no rollouts", f"`hicra report {shown(path)}` shows it"
        )
    if (path / "hicra.json").exists() and rollouts.is_dir():  # a run of hicra
        return _known(rollouts)
    if rollouts.is_dir() and any(rollouts.glob("step_*/")):  # prime-rl
        return _within(rollouts)
    if (path / "manifest.json").exists() and samples.is_dir():  # rlprobe, with a folder for each further rank
        return [file for place in (path, *_folders(path, "rank-")) for file in _known(place / "samples")]
    completions = path / "completions"
    if completions.is_dir() and not _known(path):  # TRL
        return _known(completions)
    return None


def _within(path: Path) -> list[Path]:
    """Returns the known files of a folder, or where it has none those of its folders; in these no .json files."""
    return _known(path) or [file for folder in _folders(path) for file in _rows_within(folder)]


def _rows_within(path: Path) -> list[Path]:
    found = [file for file in _known(path) if file.name.lower().endswith(ROWS)]
    return found or [file for folder in _folders(path) for file in _rows_within(folder)]


def _known(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [folder / name for name in rollout_names([path.name for path in folder.iterdir() if path.is_file()])]


def _folders(path: Path, begin: str = "") -> list[Path]:
    """Returns the folders in a folder in natural order, without hidden ones and links."""
    found = [
        entry.name
        for entry in os.scandir(path)
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".") and entry.name.startswith(begin)
    ]
    return [path / name for name in sorted(found, key=lambda name: (_natural(name), name))]


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part), "") if index % 2 else (1, 0, part) for index, part in enumerate(parts) if part]
