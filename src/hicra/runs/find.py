"""Finds the run folders among the paths that a user names: run folders, folders of them, and what `runs/*` matches besides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hicra.errors import DataError

MANIFEST = "hicra.json"
_NAMED = 6  # the most paths that a sentence lists


def find_runs(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Sorts paths into run folders and the rest, each in the order given.

    A folder that is no run stands for the run folders in it, sorted by name; hidden ones are not complete and are left out.

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
        if (path / MANIFEST).exists():
            runs.append(path)
        elif inner:
            runs += inner
        else:
            rest.append(path)
    return runs, rest


def files_read(runs: Sequence[Path]) -> list[Path]:
    """Lists the files of run folders that reports and comparisons read, which therefore must not be written."""
    names = (MANIFEST, "metrics.jsonl", "evaluation.json")
    return [file for run in runs for file in (*(run / name for name in names), *sorted(run.glob("rollouts/*.parquet")))]


def passed_over(paths: Iterable[Path]) -> list[str]:
    """Says in one sentence which paths are passed over because they are no runs; the list is empty if there are none."""
    rest = list(paths)
    if not rest:
        return []
    more = f" and {len(rest) - _NAMED} more" if len(rest) > _NAMED else ""
    are = "it is no run folder" if len(rest) == 1 else "they are no run folders"
    return [f"passed over, since {are}: {', '.join(map(str, rest[:_NAMED]))}{more}"]
