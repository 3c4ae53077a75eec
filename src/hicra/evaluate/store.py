"""The folder of an evaluation: what was asked for, the samples so far, and at the end all samples and the result.

    eval.json            kind hicra.eval, schema_version, settings, model, inputs {name: sha256}, versions, complete, files
    parts/FFF-PPPPPP.parquet   samples of one batch of questions, while the evaluation runs
    samples.parquet      every sample with its verdicts, at the end (columns in docs/reference/files.md)

A part is there completely or not at all, so a killed evaluation can be resumed. One process at a time writes.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import polars as pl

from hicra.artifacts import atomic_file, canonical_json, read_manifest, refuse_existing, write_text
from hicra.errors import ArtifactError
from hicra.runs.difference import difference
from hicra.version import __version__

KIND, SCHEMA_VERSION = "hicra.eval", 1
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
    def open(cls, path: Path, asked: Mapping[str, Any], versions: Mapping[str, str], resume: bool) -> Self:
        """Opens the folder of an evaluation.

        Args:
            path: a folder that is new, empty, or with `resume` of the same evaluation.
            asked: `settings`, `model` and `inputs`, as JSON values.
            versions: versions of packages, by name.
            resume: whether an evaluation that is there may be resumed.

        Raises:
            ArtifactError: `path` holds something else, or an evaluation of another model, data or settings.
        """
        file = path / "eval.json"
        if resume and file.exists():
            manifest = read_manifest(file, KIND, SCHEMA_VERSION)
            differs = [one for part in COMPARED for one in difference({part: manifest.get(part)}, {part: asked[part]})]
            if not differs:
                return cls(path, manifest)
            if manifest.get("complete") or any((path / "parts").glob("*.parquet")):
                key, old, new = differs[0]
                raise ArtifactError(
                    f"{path} holds an evaluation with {key} = {old!r}, this one has {new!r}",
                    "resume with the same model, data and settings, or choose another -o",
                )  # without samples nothing can be lost, so an attempt that failed while loading blocks no other
        else:
            refuse_existing(path, "the evaluation folder")
        manifest = {
            "kind": KIND, "schema_version": SCHEMA_VERSION, **asked, "versions": {"hicra": __version__, **versions},
            "complete": False,
        }  # fmt: skip
        write_text(file, canonical_json(manifest))
        return cls(path, manifest)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Locks the folder while this process writes; the system releases the lock when the process ends.

        Raises:
            ArtifactError: another process holds the lock.
        """
        try:
            import fcntl
        except ImportError:  # Windows has no such lock
            yield
            return
        with open(self.path / ".lock", "a", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ArtifactError(
                    f"another process is writing to {self.path}", "wait for it, or choose another -o"
                ) from None
            yield

    @property
    def complete(self) -> bool:
        """Whether the evaluation is finished, with the result in eval.json."""
        return bool(self.manifest["complete"]) and (self.path / "samples.parquet").exists()

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
        if not path.exists():
            return None
        try:
            with open(path, "rb") as opened:
                frame = pl.read_parquet(opened)
        except pl.exceptions.PolarsError:
            return None
        return frame if frame.height == rows and dict(frame.schema) == PART_SCHEMA else None

    def finish(self, samples: pl.DataFrame, result: Mapping[str, Any]) -> None:
        """Writes the samples, then the result, then removes the parts, so that a kill in between loses nothing."""
        with atomic_file(self.path / "samples.parquet") as temporary:
            samples.write_parquet(temporary)
        self.manifest = self.manifest | {"complete": True} | dict(result)
        write_text(self.path / "eval.json", canonical_json(self.manifest))
        shutil.rmtree(self.path / "parts", ignore_errors=True)
        for left in self.path.glob(".tmp-*"):  # left by a write that was killed
            left.unlink(missing_ok=True)
