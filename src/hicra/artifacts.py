"""Writes files that are either the old or the new ones, never half: atomic writes, canonical JSON, hashes, schema checks."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hicra.errors import ArtifactError


def sha256_bytes(data: bytes) -> str:
    """Returns the hex sha256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Returns the hex sha256 of a file, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def finite(value: Any) -> Any:
    """Turns every NaN or infinity of a value, at any depth, into None, since JSON has no such numbers."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def canonical_json(value: Any, indent: int | None = 2) -> str:
    """Returns JSON text that depends on the value alone: sorted keys, no NaN, one newline at the end."""
    return json.dumps(finite(value), indent=indent, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def fsync_dir(path: Path) -> None:
    """Makes a rename inside `path` durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path in the same folder; on success it replaces `path`, on failure it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".tmp-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, path)
        fsync_dir(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_dir(path: Path) -> Iterator[Path]:
    """Yields a temporary folder beside `path`; on success it becomes `path`, which must not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".tmp-", dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        os.rename(temporary, path)
        fsync_dir(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def refuse_existing(path: Path, what: str) -> None:
    """Raises ArtifactError where an output already exists, so that nothing is overwritten by accident."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ArtifactError(f"{what} {path} already exists", "choose another -o, or remove it first")


def read_manifest(path: Path, kind: str, newest: int) -> dict[str, Any]:
    """Reads a manifest and checks its `kind` and schema version.

    Raises:
        ArtifactError: it is absent, is not JSON, has another `kind`, or has a newer schema than `newest`.
    """
    if not path.exists():
        raise ArtifactError(f"{path.parent} holds no {path.name}", f"it is no {kind} folder; check the path")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (
        OSError,
        ValueError,
        RecursionError,
    ) as error:  # ValueError: not UTF-8, not JSON, a number of too many digits
        raise ArtifactError(
            f"{path} is not readable JSON: {error}", "write it again with the command that made it"
        ) from None
    if not isinstance(manifest, dict) or manifest.get("kind") != kind:
        found = manifest.get("kind") if isinstance(manifest, dict) else type(manifest).__name__
        raise ArtifactError(f"`kind` in {path} is {found!r}, not {kind!r}", "check which folder you meant")
    version = manifest.get("schema_version")
    if not isinstance(version, int) or version > newest:
        raise ArtifactError(f"{path} has schema_version {version!r}, this hicra knows up to {newest}", "upgrade hicra")
    return manifest
