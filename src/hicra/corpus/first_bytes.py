"""Knows what a file is by its first bytes, where its name says something else."""

from __future__ import annotations

from typing import NamedTuple

from hicra.errors import DataError

LONGEST = 6  # bytes that are looked at


class FileKind(NamedTuple):
    """What files of a kind are called, the bytes that they begin with, and what to do with one whose name says otherwise."""

    name: str
    begins: bytes
    fix: str


_UNPACK = "unpack it, and name a file in it"
KINDS = (
    FileKind("gzip", b"\x1f\x8b", "let its name end in .jsonl.gz, or unpack it"),
    FileKind("zstd", b"\x28\xb5\x2f\xfd", "let its name end in .jsonl.zst, or unpack it"),
    FileKind("parquet", b"PAR1", "let its name end in .parquet"),
    FileKind("a zip file", b"PK\x03\x04", "unpack it, and name a file in it (a log of Inspect must end in .eval)"),
    FileKind("bzip2", b"BZh", _UNPACK),
    FileKind("xz", b"\xfd7zXZ\x00", _UNPACK),
    FileKind("text in UTF-16", b"\xff\xfe", "write it as UTF-8"),
    FileKind("text in UTF-16", b"\xfe\xff", "write it as UTF-8"),
)
_TEXT = FileKind("text", b"", "let its name end in .jsonl, or .json where it is one array")


def kind_of_bytes(begin: bytes) -> FileKind | None:
    """Returns the kind of a file that begins with these bytes, or None where they are those of no kind that is known.

    >>> kind_of_bytes(bytes([31, 139, 8])).name, kind_of_bytes(b'{"response": "a"}').name, kind_of_bytes(b"")
    ('gzip', 'text', None)
    """
    known = next((kind for kind in KINDS if begin.startswith(kind.begins)), None)
    return known or (_TEXT if begin.lstrip()[:1] in (b"{", b"[") else None)


def refuse_other(name: str, begin: bytes, expected: str) -> None:
    """Raises DataError where the file `name` begins as one of another kind than its name says, which is `expected`."""
    kind = kind_of_bytes(begin)
    if kind is not None and kind.name != expected:
        raise DataError(f"{name} is {kind.name}, and its name says {expected}", kind.fix)
