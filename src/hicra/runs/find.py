"""Finds the run folders among the paths that a user names: run folders, folders of them, and what `runs/*` matches besides."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from hicra.artifacts import read_json
from hicra.errors import DataError, HicraError

MANIFEST = "hicra.json"
SIGNAL_KIND, SIGNAL_SCHEMA, RESULT = (
    "hicra.signal",
    1,
    "signal.json",
)  # what `hicra signal` writes: kind, version, result
SIGNAL_FOLDER = "signal"  # where a measurement lies in the run folder whose rollouts it was made from
_NAMED = 6  # the most paths that a sentence lists


def find_runs(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Sorts paths into run folders and the rest, each in the order given.

    A folder that is no run stands for the run folders in it, sorted by name; hidden ones are not complete and are left out. A
    measurement of the signal is no run and belongs to the rest, also where it lies in such a folder.

    Raises:
        DataError: a path does not exist.
    """
    runs: list[Path] = []
    rest: list[Path] = []
    for path in paths:
        if not path.exists():
            raise DataError(f"{path} does not exist", "give run folders, or a folder that holds run folders")
        inner = sorted(manifest.parent for manifest in path.glob(f"*/{MANIFEST}")) if path.is_dir() else []
        inner = [each for each in inner if not each.name.startswith(".")]
        found = [path] if (path / MANIFEST).exists() else inner
        for each in found or [path]:
            (runs if found and not is_signal(each) else rest).append(each)
    return runs, rest


def refuse_files(paths: Iterable[Path]) -> None:
    """Raises DataError for a file where a run folder belongs."""
    for path in paths:
        if path.is_file():
            raise DataError(
                f"{path} is a file and no run folder",
                f"`hicra diagnose {shlex.quote(str(path))} -o RUN` makes a run folder from a file of rollouts",
            )


def is_signal(path: Path) -> bool:
    """Tells whether a path is a folder that `hicra signal` wrote; a manifest that cannot be read does not say so."""
    if not (path / MANIFEST).is_file():
        return False
    try:
        manifest = read_json(path / MANIFEST, "")
    except HicraError:
        return False
    return isinstance(manifest, dict) and manifest.get("kind") == SIGNAL_KIND


def files_read(runs: Sequence[Path]) -> list[Path]:
    """Lists the files of run folders that reports and comparisons read, which therefore must not be written."""
    names = (MANIFEST, "metrics.jsonl", "evaluation.json")
    return [
        file
        for run in runs
        for file in (
            *(run / name for name in ((MANIFEST, RESULT) if is_signal(run) else names)),
            *sorted(run.glob("rollouts/*.parquet")),
            *(run / SIGNAL_FOLDER / name for name in (MANIFEST, RESULT) if is_signal(run / SIGNAL_FOLDER)),
        )
    ]


def passed_over(paths: Iterable[Path]) -> list[str]:
    """Says in a sentence which paths are passed over because they are no runs, and in one which hold measured signal."""
    signals: list[Path] = []
    others: list[Path] = []
    for path in paths:
        (signals if is_signal(path) else others).append(path)
    said = []
    for found, one, several in (
        (others, "it is no run folder", "they are no run folders"),
        (signals, "it holds a measured signal and no run, which `hicra report` shows",
         "they hold measured signals and no runs, which `hicra report` shows"),
    ):  # fmt: skip
        if found:
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            named = ", ".join(map(str, found[:_NAMED]))
            said.append(f"passed over, since {one if len(found) == 1 else several}: {named}{more}")
    return said
