"""The folder of an evaluation: what was asked for, the samples so far, and at the end samples and result.

    eval.json            kind hicra.eval, schema_version, settings, model, inputs {name: sha256}, versions, complete, files
    parts/FFF-PPPPPP.parquet   samples of one batch of questions, while the evaluation runs
    samples.parquet      every sample with its verdicts, at the end (columns in docs/eval.md)

A part is there whole or not at all, so what a kill leaves behind can be gone on from. One process at a time writes.
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
    """An evaluation on disk. `open` starts one, or goes on with the same one."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path, self.manifest = path, manifest

    @classmethod
    def open(cls, path: Path, asked: Mapping[str, Any], versions: Mapping[str, str], resume: bool) -> Self:
        """The folder of an evaluation.

        Args:
            path: new, empty, or with `resume` the folder of the same evaluation.
            asked: `settings`, `model` and `inputs`, as JSON values.

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
                    "go on with the same model, data and settings, or choose another -o",
                )  # without a sample there is nothing to lose: an attempt that failed at loading blocks no other
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
        """Keeps others out while we write; the system lets go of it when we die.

        Raises:
            ArtifactError: another process holds it.
        """
        try:
            import fcntl
        except ImportError:  # Windows: without the guard
            yield
            return
        with open(self.path / ".lock", "a", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ArtifactError(
                    f"another process works in {self.path}", "wait for it, or choose another -o"
                ) from None
            yield

    @property
    def complete(self) -> bool:
        """Whether the result stands in eval.json."""
        return bool(self.manifest["complete"]) and (self.path / "samples.parquet").exists()

    def part(self, file: int, number: int) -> Path:
        """Where a part of a benchmark (by number) is or will be."""
        return self.path / "parts" / f"{file:03d}-{number:06d}.parquet"

    def write_part(self, file: int, number: int, rows: list[dict[str, Any]]) -> None:
        """A part, whole or not at all."""
        frame = pl.DataFrame(rows, schema=PART_SCHEMA, orient="row")
        with atomic_file(self.part(file, number)) as temporary:
            frame.write_parquet(temporary)

    def read_part(self, file: int, number: int, rows: int) -> pl.DataFrame | None:
        """A part of so many rows, or None where it is absent; one that cannot be read counts as absent."""
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
        """Samples first, then the result, then the parts go: a kill in between loses nothing."""
        with atomic_file(self.path / "samples.parquet") as temporary:
            samples.write_parquet(temporary)
        self.manifest = self.manifest | {"complete": True} | dict(result)
        write_text(self.path / "eval.json", canonical_json(self.manifest))
        shutil.rmtree(self.path / "parts", ignore_errors=True)
        for left in self.path.glob(".tmp-*"):  # of a write that was killed
            left.unlink(missing_ok=True)
