"""Errors on which a user can act say what is wrong, where, and what to do next.

Each subclass also inherits the standard exception that it refines, so that callers may catch either. The CLI prints
`error: ...` and `fix: ...` and ends with 1; it never shows a traceback for these.
"""

from __future__ import annotations

import difflib
import errno
import os
import re
from collections.abc import Iterable


class HicraError(Exception):
    """The base of all errors that hicra raises on purpose.

    Args:
        message: what is wrong and where (file, line, key or field).
        fix: the nearest right thing or the next command, one sentence; printed after the message.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        self.message, self.fix = message, fix
        super().__init__(f"{message}\n  fix: {fix}" if fix else message)


class ConfigError(HicraError, ValueError):
    """A setting is unknown, missing or out of its range."""


class UnknownName(ConfigError, KeyError):
    """A table has no entry of that name."""

    __str__ = Exception.__str__  # a KeyError would show its message in quotes


class UsageError(ConfigError):
    """A command line lacks something that the command needs."""


class DataError(HicraError, ValueError):
    """Input rows, columns or files are not what they should be."""


class ArtifactError(HicraError, ValueError):
    """A lexicon or run folder is absent, damaged, or of a schema that this version does not know."""


class FileError(HicraError, OSError):
    """The operating system does not let us read or write a file; the message holds its name and what the system said."""


class EngineError(HicraError, RuntimeError):
    """The training engine, or what it handed over, is not as hicra needs it."""


class MissingField(HicraError, ValueError):
    """A method or metric needs a batch field that is not there; the message holds its name."""


_RUST = re.compile(r"\(os error (\d+)\)")
_TORCH = re.compile(r"PytorchStreamWriter failed|inline_container\.cc.*unexpected pos")
_ROOM = "make room on that disk (or raise the limit of the account), or choose another place"
_RIGHT = "choose a place that you may read and write, or change the rights of that one"
_PATH = "check the path: each part but the last must be a folder, or a link to one"
_FIXES = {
    errno.ENOSPC: _ROOM, errno.EDQUOT: _ROOM, errno.EFBIG: _ROOM,
    errno.EACCES: _RIGHT, errno.EPERM: _RIGHT, errno.EROFS: _RIGHT,
    errno.ENOENT: _PATH, errno.ENOTDIR: _PATH, errno.EEXIST: _PATH, errno.ELOOP: _PATH, errno.EISDIR: "name a file, not a folder",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "raise the number of open files (ulimit -n)",
}  # fmt: skip


def system_error(error: BaseException) -> OSError | None:
    """Returns what the operating system said behind an error, or None if it said nothing.

    Libraries in Rust (polars, safetensors) raise errors of their own for a full disk, with the number of the system's error in
    their text. torch.save raises a RuntimeError that only says that the file did not grow.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return error
    if found := _RUST.search(str(error)):
        return OSError(int(found[1]), os.strerror(int(found[1])))
    if isinstance(error, RuntimeError) and _TORCH.search(str(error)):
        return OSError(errno.ENOSPC, "a file could not be written whole, as when the disk is full")
    return error if isinstance(error, OSError) else None


def refused_by_system(error: OSError, what: str) -> FileError:
    """Makes the error for a file that the operating system did not let us read or write.

    Args:
        error: what the system said.
        what: the file and what was done to it, as in "out.jsonl cannot be written".
    """
    said = error.strerror or str(error) or type(error).__name__
    return FileError(f"{what}: {said}", _FIXES.get(error.errno or 0, "check the path and the disk"))


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Returns the choice closest in spelling to `word`, or None where none is near."""
    found = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return found[0] if found else None


_NAME, _LISTED = 60, 40  # names of columns and arms are somebody else's: the longest shown, and how many


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Returns a `fix` sentence: the nearest choice, or all of them where none is near."""
    known = sorted(choices)
    close = nearest(word, known)
    if close:
        return f"did you mean {close!r}?"
    if not known:
        return "there is none"
    listed = ", ".join(one if len(one) <= _NAME else f"{one[: _NAME - 1]}\u2026" for one in known[:_LISTED])
    return f"known: {listed}" + (f" and {len(known) - _LISTED} more" if len(known) > _LISTED else "")
