"""Writes files that are either the old or the new ones, never half: atomic writes, canonical JSON, hashes, schema checks.

`check_output` holds the one rule for what may be written where; every verb asks it before it works.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hicra.errors import ArtifactError, ConfigError, HicraError, refused_by_system, system_error

HIDDEN = ".tmp-"  # names of unfinished files and folders begin so
_HERE, _SWAP = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


def sha256_bytes(data: bytes) -> str:
    """Returns the hex sha256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Returns the hex sha256 of a file, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def finite(value: Any) -> Any:
    """Turns every NaN or infinity of a value, at any depth, into None, since JSON has no such numbers, and -0.0 into 0.0."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        value = value.item()
    if isinstance(value, float):
        return value + 0.0 if math.isfinite(value) else None
    return value


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
def writes(path: Path) -> Iterator[None]:
    """Turns what the operating system says about a write (no room, no right, no such folder) into a FileError.

    The error names `path`, or the file that the system named if that is another one.
    """
    try:
        yield
    except (HicraError, BrokenPipeError):
        raise
    except Exception as error:
        said = system_error(error)
        if said is None or _hidden(path):  # whoever writes the folder that is not complete yet names that one
            raise
        named = Path(os.fsdecode(said.filename)) if isinstance(said.filename, str | bytes) else path
        own = named in (path, *path.parents) or _hidden(named)
        raise refused_by_system(said, f"{path} cannot be written" if own else str(named)) from None


def _hidden(path: Path) -> bool:
    return any(part.startswith(HIDDEN) for part in path.parts)


@contextlib.contextmanager
def atomic_file(path: Path, overwrite: bool = True) -> Iterator[Path]:
    """Yields a temporary path in the same folder; on success it becomes `path`, on failure it is removed.

    A link is followed, so that it stays a link.

    Args:
        path: the file.
        overwrite: whether it replaces what stands there at the end, such as what another process wrote meanwhile.

    Raises:
        FileError: the disk is full, the folder is read-only, or what else the system says; nothing has changed then.
    """
    with writes(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        target = Path(os.path.realpath(path))
        handle, name = tempfile.mkstemp(prefix=HIDDEN, suffix=target.suffix, dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            if overwrite:
                os.replace(temporary, target)
            else:
                os.link(temporary, target)  # which fails where the name is taken
            fsync_dir(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_dir(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Yields a temporary folder beside `path`; on success it becomes `path`, on failure it is removed.

    Args:
        path: the folder; it must be absent or empty, or with `overwrite` it is replaced.
        overwrite: whether what is there may go; it stays until the new folder is complete.

    Raises:
        FileError: the disk is full, the folder above is read-only, or what else the system says; nothing has changed then.
    """
    with writes(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        target = Path(os.path.realpath(path))
        temporary = Path(tempfile.mkdtemp(prefix=HIDDEN, dir=target.parent))
        try:
            yield temporary
            temporary.chmod(0o755)
            if overwrite and target.exists():
                _exchange(temporary, target)
            else:
                os.rename(temporary, target)
            fsync_dir(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _exchange(one: Path, other: Path) -> None:
    """Lets two folders change places: in one call of Linux, so that neither is ever absent; elsewhere in three renames."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 and renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _SWAP) == 0:
        return
    aside = one.with_name(f"{one.name}-old")  # not every file system can do it
    os.rename(other, aside)
    try:
        os.rename(one, other)
    except OSError:
        os.rename(aside, other)
        raise
    os.rename(aside, one)


@contextlib.contextmanager
def new_dir(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Yields the folder to write the first files into, of an output that is filled bit by bit, as a run is.

    It is `path` itself, made where it is absent; with `overwrite` a temporary folder that then replaces what is there.
    """
    if overwrite and path.is_dir() and any(path.iterdir()):
        with atomic_dir(path, overwrite=True) as temporary:
            yield temporary
        return
    with writes(path):
        path.mkdir(parents=True, exist_ok=True)
        yield path


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_output(
    path: Path,
    what: str,
    *,
    overwrite: bool = False,
    inputs: Iterable[Path | str | None] = (),
    folder: bool = False,
    resume: bool = False,
    endings: Sequence[str] = (),
    option: str = "-o",
    replaces: bool = True,
) -> None:
    """Checks, before any work, that an output may be written: the one rule of all verbs.

    What exists is refused (an empty folder counts as absent), unless `overwrite` says that it may be replaced. An input is never
    replaced, nor a folder that holds one, nor a folder that holds the working folder or the home folder.

    Args:
        path: the output.
        what: names it in messages, as in "the lexicon".
        overwrite: whether it may be replaced.
        inputs: files and folders that the verb reads; None and names that are no path are passed over.
        folder: whether the output is a folder.
        resume: whether the verb could go on with what is there, so that the message names --resume.
        endings: the endings that the name of a file may have; what is written under another name could not be read again, and a
            file of another kind is never replaced.
        option: the option, or the field of a script's settings, that names the output.
        replaces: whether there is an --overwrite for this output, so that the message may name it.

    Raises:
        ArtifactError: it may not be written; the message says why and what to do.
    """
    for part in (path, *path.parents):
        if part.is_symlink() and not part.exists():
            raise ArtifactError(
                f"{what} {path} cannot be written: {part} is a link to {os.readlink(part)}, which is not there",
                f"remove the link, or choose another {option}",
            )
    target = Path(os.path.realpath(path))
    for given in (each for each in inputs if each):
        source = Path(os.path.realpath(given))
        inside = target.exists() and source in target.parents
        if source.exists() and (source == target or target in source.parents or inside):
            raise ArtifactError(f"{what} {path} would replace the input {given}", f"choose another {option}")
    if target.exists() and not (folder and target.is_dir() and not any(target.iterdir())):
        if not (target.is_dir() if folder else target.is_file()):
            kind = "a folder" if target.is_dir() else "a file" if target.is_file() else "neither a file nor a folder"
            raise ArtifactError(f"{what} {path} is {kind}", f"name a {'folder' if folder else 'file'} for {option}")
        if not overwrite:
            go_on = "go on with it by --resume, " if resume else ""
            replace = "replace it by --overwrite" if replaces else "remove it"
            raise ArtifactError(f"{what} {path} already exists", f"{go_on}{replace}, or choose another {option}")
        for kept in (Path.cwd(), Path.home()) if folder else ():
            if target in (kept, *kept.parents):
                raise ArtifactError(f"{what} {path} holds {kept}", f"choose another {option}")
    above = next(each for each in target.parents if each.exists())
    if not above.is_dir():
        raise ArtifactError(f"{what} {path} cannot be written: {above} is no folder", f"choose another {option}")
    if not os.access(above, os.W_OK | os.X_OK):
        raise ArtifactError(f"{what} {path} cannot be written: {above} is read-only", f"choose another {option}")
    if endings and path.suffix.lower() not in endings:
        raise ArtifactError(f"{what} {path}: unknown ending {path.suffix!r}", f"use {' or '.join(endings)}")


def refuse_both(resume: bool, overwrite: bool) -> None:
    """Raises ConfigError if an output is to be gone on with, and replaced too."""
    if resume and overwrite:
        raise ConfigError(
            "resume goes on with what overwrite would replace", "give --resume or --overwrite, one of the two"
        )


def read_json(path: Path, fix: str) -> Any:
    """Reads the JSON value of a file, whatever the file holds.

    Args:
        path: the file.
        fix: what to do if it is damaged.

    Raises:
        FileError: the system does not let us read it.
        ArtifactError: it is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise refused_by_system(error, f"{path} cannot be read") from None
    except (ValueError, RecursionError) as error:  # not UTF-8, no JSON, an endless number; or nested without end
        raise ArtifactError(f"{path} is not readable JSON: {error}", fix) from None


def read_manifest(path: Path, kind: str, newest: int) -> dict[str, Any]:
    """Reads a manifest and checks its `kind` and schema version.

    Raises:
        ArtifactError: it is absent, is not JSON, has another `kind`, or has a newer schema than `newest`.
    """
    if not path.exists():
        raise ArtifactError(f"{path.parent} holds no {path.name}", f"it is no {kind} folder; check the path")
    manifest = read_json(path, "write it again with the command that made it")
    if not isinstance(manifest, dict) or manifest.get("kind") != kind:
        found = manifest.get("kind") if isinstance(manifest, dict) else type(manifest).__name__
        raise ArtifactError(f"`kind` in {path} is {found!r}, not {kind!r}", "check which folder you meant")
    version = manifest.get("schema_version")
    if type(version) is not int or version > newest:
        raise ArtifactError(f"{path} has schema_version {version!r}, this hicra knows up to {newest}", "upgrade hicra")
    return manifest
