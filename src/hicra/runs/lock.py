"""A folder has one writer at a time. A locked file beside it says which process that is, and since when.

The operating system gives a lock back when its process ends, however it ends. So a file that a killed process left behind is not
locked: it is stale, and the next writer takes it over.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hicra.artifacts import writes
from hicra.errors import ArtifactError


@contextlib.contextmanager
def one_writer(path: Path) -> Iterator[None]:
    """Keeps other processes from writing the folder `path`, which need not exist yet, while the block runs.

    Raises:
        ArtifactError: another process writes it (the message names the process), or the file system has no locks.
        FileError: the folder above cannot be made.
    """
    file = _lock_file(path)
    with writes(path):
        file.parent.mkdir(parents=True, exist_ok=True)
    handle = _locked(file, path)
    try:
        owner = {
            "process": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat("T", "seconds"),
        }
        with writes(path):
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(owner).encode(), 0)
        yield
    finally:
        file.unlink(
            missing_ok=True
        )  # still locked: whoever opened it meanwhile sees that it is gone, and opens a new one
        os.close(handle)


@dataclass(frozen=True)
class Writer:
    """The process that signed the lock of a folder; `alive` is False where it ended without taking its lock away."""

    name: str
    alive: bool


def writer_of(path: Path) -> Writer | None:
    """Says which process writes the folder `path`, or wrote it last and was killed; None where no lock says so.

    It only reads the file, so that no writer that begins meanwhile finds it locked. A process of another host counts as alive;
    one of this host is asked for by its number, which the system may have given to another process since.
    """
    try:
        owner = json.loads(_lock_file(path).read_bytes()[:4096])
        process, host = int(owner["process"]), str(owner["host"])
    except (OSError, ValueError, TypeError, KeyError):  # no lock, or one that is not signed yet
        return None
    alive = True
    if host == socket.gethostname():
        try:
            os.kill(process, 0)
        except (ProcessLookupError, OverflowError):
            alive = False
        except OSError:  # it runs, as another user
            pass
    return Writer(f"process {process} on {host}", alive)


def _lock_file(path: Path) -> Path:
    folder = Path(os.path.realpath(path))
    return folder.with_name(f".{folder.name}.lock")


def _locked(file: Path, path: Path) -> int:
    """Opens and locks the file; returns its handle."""
    while True:
        try:
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise ArtifactError(f"{path} cannot be locked: {file}: {error.strerror}", "choose another folder") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(handle, file):
                return handle
        except BlockingIOError:
            owner = _owner(handle)
            os.close(handle)
            raise ArtifactError(
                f"{path} is being written by {owner}",
                "wait until it has ended, or stop it; a stopped run goes on with --resume (a script: resume_from_checkpoint)",
            ) from None
        except OSError as error:
            os.close(handle)
            raise ArtifactError(
                f"{path} cannot be locked: {error.strerror}", "choose a folder on a file system that has locks"
            ) from None
        os.close(handle)


def _is(handle: int, file: Path) -> bool:
    """Says whether the file that was locked still stands under its name: its last owner may have removed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(handle), file.stat())
    except FileNotFoundError:
        return False


def _owner(handle: int) -> str:
    try:
        owner = json.loads(os.pread(handle, 4096, 0))
        return f"process {owner['process']} on {owner['host']}, since {owner['since']}"
    except (ValueError, TypeError, KeyError):  # it has locked the file and not signed it yet
        return "another process"
