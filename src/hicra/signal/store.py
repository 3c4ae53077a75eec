"""The folder of a measurement: what was asked for, one part a batch, and at the end the inner products and the result.

    hicra.json           kind hicra.signal, schema_version, settings, model, inputs {name: sha256}, versions, complete, seconds
    parts/NNNNNN.npz     one batch (parts.py)
    products.npz         inner [N,P,N,P] float64, and names (JSON): of the kinds, then of the methods
    signal.json          the result, without what differs from run to run (seconds)

A part is there completely or not at all, so a killed measurement goes on with --resume and ends with the same signal.json and
products.npz, byte for byte, on the same machine. Parts stay, so that a finished measurement goes on to more batches.

Nothing is written before the first batch of a start has been measured: until then a folder that is to be replaced or to go on
is as it was, since the model may not load, the memory not do, or the batch be of no use.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from hicra.arrays import Floats
from hicra.artifacts import (
    HIDDEN,
    atomic_file,
    canonical_json,
    check_output,
    new_dir,
    refuse_both,
    write_text,
)
from hicra.errors import ArtifactError
from hicra.runs.difference import difference
from hicra.runs.find import MANIFEST, RESULT, SIGNAL_KIND, SIGNAL_SCHEMA
from hicra.runs.repair import sweep
from hicra.signal import parts
from hicra.signal.checked import manifest_of, result_of
from hicra.signal.parts import MeasuredBatch
from hicra.version import __version__

COMPARED = ("settings", "model", "inputs")
GROWS = "settings.batches"  # a measurement may go on to more batches
OWN_CODE = ("inputs.methods.", "inputs.baseline")  # hashes of the files of methods and baselines of one's own
PARTS = "parts"
OURS = (MANIFEST, PARTS)  # what a process leaves that was killed while it wrote its first batch


class SignalStore:
    """A measurement on disk; `open` starts a new one or goes on with the same one.

    Args:
        path: the folder.
        manifest: what hicra.json is to hold.
        fresh: whether the folder is made with the first batch; nothing that is there is read then.
        overwrite: whether a fresh one replaces what is there.
        recorded: whether hicra.json holds the manifest already.
    """

    def __init__(
        self,
        path: Path,
        manifest: dict[str, Any],
        *,
        fresh: bool = False,
        overwrite: bool = False,
        recorded: bool = False,
    ) -> None:
        self.path, self.manifest = path, manifest
        self.fresh, self._overwrite, self._recorded = fresh, overwrite, recorded

    @classmethod
    def open(
        cls,
        path: Path,
        asked: Mapping[str, Any],
        versions: Mapping[str, str],
        *,
        resume: bool,
        overwrite: bool = False,
        read: Sequence[Path | str] = (),
    ) -> Self:
        """Opens the folder of a measurement; writes nothing.

        The caller holds the lock of the folder (`hicra.runs.lock.one_writer`) from before this call until it has ended.

        Args:
            path: a folder that is new or empty, or with `resume` of the same measurement.
            asked: `settings`, `model` and `inputs`, as JSON values.
            versions: versions of packages, by name.
            resume: whether a measurement that is there goes on.
            overwrite: whether what is there may be replaced.
            read: the files and folders that the measurement reads, which are never replaced.

        Raises:
            ConfigError: both resume and overwrite are asked for.
            ArtifactError: `path` holds something else, or a measurement of another model, data or settings.
        """
        refuse_both(resume, overwrite)
        manifest = {
            "kind": SIGNAL_KIND, "schema_version": SIGNAL_SCHEMA, **asked, "versions": {"hicra": __version__, **versions},
            "complete": False, "seconds": None,
        }  # fmt: skip
        if resume and (path / MANIFEST).exists() and not _nothing_measured(path):
            found = manifest_of(path / MANIFEST)
            _refuse_other(path, found, asked)
            same = _batches(found) == _batches(manifest)
            return cls(path, found if same else manifest, recorded=same)
        if not (path.is_dir() and _nothing_measured(path)):
            there = (path / MANIFEST).exists()
            check_output(path, "the signal folder", overwrite=overwrite, inputs=read, folder=True, resume=there)
        return cls(path, manifest, fresh=True, overwrite=overwrite)

    def result(self) -> dict[str, Any] | None:
        """Returns the result of a measurement that is complete, with its seconds, else None."""
        if not (self.manifest["complete"] and (self.path / RESULT).exists()):
            return None
        return result_of(self.path / RESULT) | {"seconds": self.manifest["seconds"]}

    def write_part(self, number: int, part: MeasuredBatch) -> None:
        """Writes a batch, completely or not at all; the first one of a fresh measurement makes or replaces the folder."""
        if self.fresh:
            sweep(self.path)  # of a start that was killed before the folder was one
            with new_dir(self.path, self._overwrite) as made:
                write_text(made / MANIFEST, canonical_json(self.manifest))
                _write(made, number, part)
            self.fresh, self._recorded = False, True
        else:
            self._record()
            _write(self.path, number, part)

    def read_part(self, number: int, methods: Collection[str], numbers: int) -> MeasuredBatch | None:
        """Reads a batch; returns None if it is absent or damaged, so that it is measured again.

        Args:
            number: of the batch.
            methods, numbers: the methods that it must have, and the length of its gradients.
        """
        return None if self.fresh else parts.read(_part(self.path, number), methods, numbers)

    def kept(self) -> int:
        """Returns how many batches the folder has of this measurement."""
        return 0 if self.fresh else len(list((self.path / PARTS).glob("[0-9]*.npz")))

    def finish(self, inner: Floats, names: Sequence[str], result: Mapping[str, Any], seconds: float) -> None:
        """Writes the inner products, then the result, then that it is complete."""
        self._record()
        with atomic_file(self.path / "products.npz") as temporary:
            parts.savez(temporary, {"inner": inner, "names": parts.as_text(list(names))})
        write_text(self.path / RESULT, canonical_json(result))
        self.manifest = self.manifest | {"complete": True, "seconds": seconds}
        write_text(self.path / MANIFEST, canonical_json(self.manifest))
        for left in (*self.path.glob(f"{HIDDEN}*"), *self.path.glob(f"{PARTS}/{HIDDEN}*")):
            left.unlink(missing_ok=True)  # left by a write that was killed

    def _record(self) -> None:
        """Writes the manifest of a measurement that goes on to more batches, which therefore is no longer complete."""
        if not self._recorded:
            write_text(self.path / MANIFEST, canonical_json(self.manifest))
            self._recorded = True


def _part(folder: Path, number: int) -> Path:
    return folder / PARTS / f"{number:06d}.npz"


def _write(folder: Path, number: int, part: MeasuredBatch) -> None:
    with atomic_file(_part(folder, number)) as temporary:
        parts.write(temporary, part)


def _nothing_measured(path: Path) -> bool:
    """Tells whether a folder holds nothing but an attempt without a whole batch; nothing can be lost there."""
    names = {entry.name for entry in path.iterdir()}
    if any((path / PARTS).glob("[0-9]*.npz")) or not all(name in OURS or name.startswith(HIDDEN) for name in names):
        return False
    return MANIFEST not in names or not manifest_of(path / MANIFEST)["complete"]


def _refuse_other(path: Path, found: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    for part in COMPARED:
        for key, old, new in difference({part: found.get(part)}, {part: asked[part]}):
            if key == GROWS and isinstance(old, int) and new >= old:
                continue
            if key.startswith(OWN_CODE) and old and new:
                what = key.removeprefix("inputs.").removeprefix("methods.")
                raise ArtifactError(
                    f"{path} holds a measurement with another {what}, whose file has changed since",
                    "restore that file, replace the measurement by --overwrite, or choose another -o",
                )
            raise ArtifactError(
                f"{path} holds a measurement with {key} = {old!r}, this one has {new!r}",
                "resume with the same model, task, lexicon and settings (batches may grow), replace it by --overwrite, or "
                "choose another -o",
            )


def _batches(manifest: Mapping[str, Any]) -> Any:
    return manifest["settings"]["batches"]
