"""Finds the files that a path stands for."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hicra.corpus.eval_files import SUFFIX
from hicra.corpus.lines import shown
from hicra.corpus.mapping import ALSO, NAMES
from hicra.errors import DataError

JSON_LINES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
ROWS = (*JSON_LINES, ".parquet", SUFFIX)
SUFFIXES = (*ROWS, ".json")
# JSON files that programs put beside rollouts, models and data sets; in a folder none of them is taken for rollouts
SETTINGS = re.compile(
    r"((config|generation_config|adapter_config|preprocessor_config|processor_config|tokenizer|tokenizer_config|added_tokens"
    r"|special_tokens_map|vocab|chat_template|trainer_state|dataset_infos?|hicra|hicra_credit|hicra_signal|lexicon)|.*\.index)"
    r"\.json",
    re.IGNORECASE,
)
NO_STDIN = (
    "hicra reads files, and no standard input or pipe without a name: the ending of a name says what is in a file",
    "write the rows to a file first, as in `... > rows.jsonl`, and name that",
)
Paths = str | Path | Iterable[str | Path]


def files_of(paths: Paths) -> list[Path]:
    """Returns the files behind the paths.

    A folder stands for the known files in it, sorted by name with numbers as numbers; hidden ones are left out, and .json files
    where there are others, or that are settings by their name (`SETTINGS`). Where it is a folder of a known writer it stands for
    the rollouts in it (`of_writer`), where it has no known files of its own for those of the folders in it.

    Raises:
        DataError: a path does not exist or has an unknown suffix, or a folder has no known file.
    """
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    if not listed:
        raise DataError("no path to read", "name a file or folder")
    return [file for path in listed for file in _files(Path(path))]


def rollout_names(names: Sequence[str]) -> list[str]:
    """Returns which of the names of a folder's files are those of rollouts, in natural order."""
    found = [name for name in names if not name.startswith(".")]
    rows = [name for name in found if name.lower().endswith(ROWS)]
    beside = {name for name in rows if _beside_rollouts(name, rows)}
    chosen = [name for name in rows if name not in beside] or [
        name for name in found if name.lower().endswith(SUFFIXES) and name not in rows and not SETTINGS.fullmatch(name)
    ]
    return sorted(chosen, key=lambda name: (natural(name), name))


def _beside_rollouts(name: str, names: Sequence[str]) -> bool:
    """Says whether a file is one that its writer puts beside the rollouts: a summary, or what the run was."""
    if name == "aggregated_results.jsonl":  # SkyRL
        return len(names) > 1
    run = name.removesuffix("_metadata.jsonl")  # Open Instruct
    return run != name and any(other.startswith(f"{run}_rollouts_") for other in names)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        written = of_writer(path)
        found = _within(path) if written is None else written
        if not found:
            raise DataError(f"folder {shown(path)} holds no {', '.join(SUFFIXES)} file{_held(path)}", "check the path")
        return found
    ends = path.name.lower().endswith(SUFFIXES)
    if not ends and (str(path) == "-" or path.parts[:2] in (("/", "dev"), ("/", "proc")) or path.is_fifo()):
        raise DataError(f"{shown(path)}: {NO_STDIN[0]}", NO_STDIN[1])
    if path.is_symlink() and not path.exists():
        raise DataError(
            f"no such file: {shown(path)} is a link to {shown(path.readlink())}, which is not there", "check the link"
        )
    if not path.exists():
        close = _near(path)
        if str(path).partition("=")[0] in (*NAMES, *ALSO) and "=" in str(path) and close is None:
            raise DataError(f"no such file: {shown(path)}", f"repeat --map for each field: --map {shown(path)}")
        raise DataError(
            f"no such file: {shown(path)}", "check the path" if close is None else f"did you mean {shown(close)}?"
        )
    if not ends:
        raise DataError(f"{shown(path)}: unknown type of file", f"hicra reads {', '.join(SUFFIXES)}")
    return [path]


def _near(path: Path) -> Path | None:
    """Returns the file or folder beside an absent one whose name is near to its name, endings aside; None where none is."""
    if not path.parent.is_dir():
        return None
    stems: dict[str, str] = {}
    for name in sorted(os.listdir(path.parent)):
        if not name.startswith("."):
            stems.setdefault(_stem(name), name)
    close = difflib.get_close_matches(_stem(path.name), stems, n=1, cutoff=0.7)
    return path.parent / stems[close[0]] if close else None


def _stem(name: str) -> str:
    """Returns a name in small letters, without an ending that rollouts have."""
    name = name.lower()
    return name.removesuffix(next((end for end in sorted(SUFFIXES, key=len)[::-1] if name.endswith(end)), ""))


def _held(folder: Path) -> str:
    """Returns what to say of the files that a folder holds in place of rollouts."""
    names = sorted((file.name for file in folder.iterdir() if file.is_file()), key=natural)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"; it holds {', '.join(map(shown, map(Path, names[:3])))}{more}" if names else ""


def of_writer(path: Path) -> list[Path] | None:
    """Returns the rollouts of a folder that is known by what lies in it, or None where it is not known."""
    rollouts, samples = path / "rollouts", path / "samples"
    if (path / "hicra.json").exists() and (path / "signal.json").exists() and not rollouts.is_dir():
        raise DataError(
            f"folder {shown(path)} holds a measured signal and no rollouts", f"`hicra report {shown(path)}` shows it"
        )
    if (path / "hicra.json").exists() and rollouts.is_dir():  # a run of hicra
        return known_files(rollouts)
    if rollouts.is_dir() and any(rollouts.glob("step_*/")):  # prime-rl
        return _within(rollouts)
    if (path / "manifest.json").exists() and samples.is_dir():  # rlprobe, with a folder for each further rank
        return [file for place in (path, *inner_folders(path, "rank-")) for file in known_files(place / "samples")]
    completions = path / "completions"
    if completions.is_dir() and not known_files(path):  # TRL
        return known_files(completions)
    return None


def _within(path: Path) -> list[Path]:
    """Returns the known files of a folder, or where it has none those of its folders; in these no .json files."""
    return known_files(path) or [file for folder in inner_folders(path) for file in _rows_within(folder)]


def _rows_within(path: Path) -> list[Path]:
    return [file for folder in opened(path) for file in rows_in(folder)]


def opened(path: Path) -> Iterator[Path]:
    """Yields the folders that are opened to read what lies in an inner one: where it has no rows, those in it as well."""
    if (path / "hicra.json").exists():  # a run of hicra, whose other files are no rollouts
        yield from filter(Path.is_dir, [path / "rollouts"])
        return
    yield path
    if not rows_in(path):
        for folder in inner_folders(path):
            yield from opened(folder)


def rows_in(folder: Path) -> list[Path]:
    """Returns the files directly in a folder that hold a row each line or are tables, in natural order; no .json files."""
    return [file for file in known_files(folder) if file.name.lower().endswith(ROWS)]


def known_files(folder: Path) -> list[Path]:
    """Returns the files directly in a folder that are those of rollouts by their names, in natural order."""
    if not folder.is_dir():
        return []
    return [folder / name for name in rollout_names([path.name for path in folder.iterdir() if path.is_file()])]


def inner_folders(path: Path, begin: str = "") -> list[Path]:
    """Returns the folders in a folder in natural order, without hidden ones and links."""
    found = [
        entry.name
        for entry in os.scandir(path)
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".") and entry.name.startswith(begin)
    ]
    return [path / name for name in sorted(found, key=lambda name: (natural(name), name))]


def natural(name: str) -> list[tuple[int, int, str]]:
    """Returns what sorts names with the numbers in them as numbers."""
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part), "") if index % 2 else (1, 0, part) for index, part in enumerate(parts) if part]
