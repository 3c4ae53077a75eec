"""Exports run folders for `hicra export`: the formats by name, and the folder that gets them, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hicra.artifacts import atomic_dir, check_output
from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.export.inspect_ai import inspect_logs
from hicra.export.interface import Export, Source, as_name
from hicra.export.tidy import tidy
from hicra.runs import RunFolder
from hicra.runs.arms import name_arms
from hicra.runs.find import files_read, find_runs, passed_over

FORMATS: dict[str, Export] = {"parquet": tidy, "inspect": inspect_logs}


def export(paths: Sequence[Path], out: Path, form: str, *, overwrite: bool = False) -> dict[str, Any]:
    """Writes run folders in another format.

    Args:
        paths: run folders, or folders of them.
        out: the folder to write.
        form: one of `FORMATS`.
        overwrite: whether `out` is replaced where it exists.

    Returns:
        {format, out, run_dirs, files {path: rows}, bytes, warnings}.

    Raises:
        ConfigError: there is no such format.
        DataError: no path holds a run folder.
        ArtifactError: the output exists, or a run folder is damaged.
    """
    if form not in FORMATS:
        raise ConfigError(f"there is no format {form!r} to export to", did_you_mean(form, FORMATS))
    found, rest = find_runs(paths)
    if not found:
        RunFolder.open(paths[0])  # which says what that path lacks
        raise DataError(f"no run folder in {', '.join(map(str, paths))}", "`hicra train -o RUN` makes one")
    check_output(out, "the export", overwrite=overwrite, folder=True, inputs=files_read(found))
    sources = named_sources([RunFolder.open(path) for path in found])
    with atomic_dir(out, overwrite) as temporary:
        written = FORMATS[form](sources, temporary)
        size = sum(file.stat().st_size for file in temporary.rglob("*") if file.is_file())
    return {
        "format": form, "out": str(out), "run_dirs": [str(path) for path in found], "files": written.files, "bytes": size,
        "warnings": [*passed_over(rest), *written.warnings],
    }  # fmt: skip


def named_sources(runs: Sequence[RunFolder]) -> list[Source]:
    """Names each run by its folder, with a number behind it where two are alike; what no name of a folder holds becomes `_`."""
    taken: set[str] = set()
    sources = []
    for run, arm in zip(runs, name_arms(runs), strict=True):
        plain = as_name(run.path.resolve().name)
        name, number = plain, 1
        while name in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name)
        sources.append(Source(run, name, arm))
    return sources
