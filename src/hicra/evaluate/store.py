"""The folder of an evaluation: what was asked for, the samples so far, and at the end all samples and the result.

    eval.json            kind hicra.eval, schema_version, settings, model, inputs {name: sha256}, versions, complete, files,
                         samples_sha256
    parts/FFF-PPPPPP.parquet   samples of one batch of questions, while the evaluation runs
    images/              the images of the questions, each once, named by its content
    samples.parquet      every sample with its verdicts, at the end (columns in docs/reference/files.md)

A part is there completely or not at all, so a killed evaluation can be resumed. One process at a time opens the folder and
writes into it, under the lock of `hicra.runs.lock.one_writer`, which stands beside it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import polars as pl

from hicra.artifacts import (
    atomic_file,
    canonical_json,
    check_output,
    new_dir,
    read_manifest,
    refuse_both,
    sha256_file,
    write_text,
)
from hicra.errors import ArtifactError
from hicra.runs.difference import difference
from hicra.tasks.images import kept_name
from hicra.version import __version__

KIND, SCHEMA_VERSION = "hicra.eval", 1
LOCK = ".lock"  # inside the folders of hicra 0.1
COMPARED = ("settings", "model", "inputs")
PART_SCHEMA: dict[str, Any] = {
    "question": pl.Int64, "sample": pl.Int64, "seed": pl.Int64, "prompt": pl.String, "response": pl.String,
    "token_ids": pl.List(pl.Int64), "tokens": pl.Int64, "ended": pl.Boolean, "too_long": pl.Boolean,
}  # fmt: skip


class Store:
    """An evaluation on disk; `open` starts a new one or resumes the same one."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path, self.manifest = path, manifest

    @classmethod
    def open(
        cls,
        path: Path,
        asked: Mapping[str, Any],
        versions: Mapping[str, str],
        *,
        resume: bool,
        overwrite: bool = False,
        read: Sequence[str] = (),
    ) -> Self:
        """Opens the folder of an evaluation, and writes what is asked for into a new one.

        The caller holds the lock of the folder (`hicra.runs.lock.one_writer`) from before this call until it has ended.

        Args:
            path: a folder that is new or empty, or with `resume` of the same evaluation.
            asked: `settings`, `model` and `inputs`, as JSON values.
            versions: versions of packages, by name.
            resume: whether an evaluation that is there is resumed.
            overwrite: whether what is there may be replaced.
            read: the files and folders that the evaluation reads, which are never replaced.

        Raises:
            ConfigError: both resume and overwrite are asked for.
            ArtifactError: `path` holds something else, or an evaluation of another model, data or settings.
        """
        refuse_both(resume, overwrite)
        file = path / "eval.json"
        if resume and file.exists():
            manifest = read_manifest(file, KIND, SCHEMA_VERSION)
            differs = [one for part in COMPARED for one in difference({part: manifest.get(part)}, {part: asked[part]})]
            if not differs:
                return cls(path, manifest)
            if not _no_sample(path):
                key, old, new = differs[0]
                raise ArtifactError(
                    f"{path} holds an evaluation with {key} = {old!r}, this one has {new!r}",
                    "resume with the same model, data and settings, replace it by --overwrite, or choose another -o",
                )
        elif not _no_sample(path):
            there = file.exists()
            check_output(path, "the evaluation folder", overwrite=overwrite, inputs=read, folder=True, resume=there)
        manifest = {
            "kind": KIND, "schema_version": SCHEMA_VERSION, **asked, "versions": {"hicra": __version__, **versions},
            "complete": False,
        }  # fmt: skip
        with new_dir(path, overwrite) as made:
            write_text(made / file.name, canonical_json(manifest))
        return cls(path, manifest)

    @property
    def complete(self) -> bool:
        """Whether the evaluation is finished, with the result in eval.json."""
        return bool(self.manifest["complete"]) and (self.path / "samples.parquet").exists()

    def samples(self) -> pl.DataFrame:
        """Reads the samples of a complete evaluation.

        Raises:
            ArtifactError: the file is damaged.
        """
        path = self.path / "samples.parquet"
        known = self.manifest.get("samples_sha256")  # evaluations of hicra 0.1 have none
        frame = None if known and sha256_file(path) != known else _frame(path)
        if frame is None:
            raise ArtifactError(f"{path} is damaged", "evaluate again, with --overwrite")
        return frame

    def part(self, file: int, number: int) -> Path:
        """Returns the path of a part of a benchmark; both are given by number."""
        return self.path / "parts" / f"{file:03d}-{number:06d}.parquet"

    def write_part(self, file: int, number: int, rows: list[dict[str, Any]]) -> None:
        """Writes a part, completely or not at all."""
        frame = pl.DataFrame(rows, schema=PART_SCHEMA, orient="row")
        with atomic_file(self.part(file, number)) as temporary:
            frame.write_parquet(temporary)

    def read_part(self, file: int, number: int, rows: int) -> pl.DataFrame | None:
        """Reads a part with that number of rows; returns None if it is absent or cannot be read."""
        path = self.part(file, number)
        frame = _frame(path) if path.exists() else None
        fits = frame is not None and frame.height == rows and dict(frame.schema) == PART_SCHEMA
        return frame if fits else None

    def keep_images(self, images: Iterable[bytes]) -> None:
        """Writes each image once, under the name that the column `images` of the samples has for it."""
        for data in images:
            path = self.path / kept_name(data)
            if not path.exists():
                with atomic_file(path) as temporary:
                    temporary.write_bytes(data)

    def finish(self, samples: pl.DataFrame, result: Mapping[str, Any]) -> None:
        """Writes the samples, then the result, then removes the parts, so that a kill in between loses nothing."""
        path = self.path / "samples.parquet"
        with atomic_file(path) as temporary:
            samples.write_parquet(temporary)
        self.manifest = self.manifest | {"complete": True, "samples_sha256": sha256_file(path)} | dict(result)
        write_text(self.path / "eval.json", canonical_json(self.manifest))
        shutil.rmtree(self.path / "parts", ignore_errors=True)
        for left in self.path.glob(".tmp-*"):  # left by a write that was killed
            left.unlink(missing_ok=True)


def _frame(path: Path) -> pl.DataFrame | None:
    """Reads a parquet file by its handle, since polars reads [ ] * ? in a name as a pattern; None if it is damaged."""
    try:
        with open(path, "rb") as file:
            return pl.read_parquet(file)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None


def _no_sample(path: Path) -> bool:
    """Tells whether a folder holds nothing but an attempt that ended before its first sample; nothing can be lost there."""
    names = {entry.name for entry in path.iterdir()} if path.is_dir() else set()
    if names != {"eval.json"} | (names & {LOCK, "parts"}) or any((path / "parts").glob("*.parquet")):
        return False
    return not read_manifest(path / "eval.json", KIND, SCHEMA_VERSION).get("complete")
