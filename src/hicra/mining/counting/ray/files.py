"""Reads rollout files for Ray tasks: paths of a shared file system, and addresses of object storage (s3://, gs://, abfs://).

The file at an address is copied to a temporary file of the machine that reads it, then read as strictly as any other.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from hicra.corpus import BadLine, Paths, files_of
from hicra.corpus.account import Account
from hicra.corpus.batches import SIZE, SIZE_BYTES, in_batches
from hicra.corpus.files import SUFFIXES, rollout_names
from hicra.corpus.quarantine import line_of
from hicra.corpus.rows import How, rows_of
from hicra.corpus.schema import CANONICAL_ONLY
from hicra.errors import DataError
from hicra.mining.counting.rows import Reading, Rows
from hicra.mining.counting.words import Chunk

SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs", "file")
_ADDRESS = re.compile(f"({'|'.join(SCHEMES)})://")


@dataclass
class FileRead:
    """Says what a task read of a file.

    Attributes:
        path: the path as it was given.
        kept, duplicates: numbers of rows. errors: the bad lines. noted: what the quarantine file says of them.
        seen: digests of the rows that have an id, to find the ones that another file holds as well.
        mined, wrong, unknown, sources: as in `Rows`.
        failed: an error that ends the reading: the arguments of BadLine (5) or of DataError (2).
    """

    path: str
    kept: int = 0
    duplicates: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    mined: int = 0
    wrong: int = 0
    unknown: int = 0
    sources: list[str] = field(default_factory=list)
    failed: list[Any] = field(default_factory=list)

    def pack(self) -> bytes:
        """Returns it as bytes."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def of(cls, data: bytes) -> FileRead:
        """Reads what `pack` wrote."""
        return cls(**json.loads(data))

    def add_to(self, account: Account, rows: Rows) -> None:
        """Adds this file to the account of all; a row that came before in another file becomes a duplicate.

        Raises:
            DataError: what ended the reading of this file.
        """
        if self.failed:
            raise BadLine(*self.failed) if len(self.failed) == 5 else DataError(*self.failed)
        seen = {bytes.fromhex(digest) for digest in self.seen}
        again = len(seen & account.seen)
        account.seen |= seen
        account.kept += self.kept - again
        account.duplicates += self.duplicates + again
        account.errors += self.errors
        rows.mined, rows.wrong, rows.unknown = (
            rows.mined + self.mined, rows.wrong + self.wrong, rows.unknown + self.unknown
        )  # fmt: skip
        rows.sources.update(self.sources)


def is_address(path: str) -> bool:
    """Says whether it is an address (scheme://...) and not a path."""
    return _ADDRESS.match(path) is not None


def expand(paths: Paths) -> list[str]:
    """Returns the files behind paths and addresses, with folders opened as `corpus.files_of` opens them.

    Raises:
        DataError: there is nothing, or a file of an unknown type.
    """
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    if not listed:
        raise DataError("no path to read", "name a file or folder")
    found: list[str] = []
    for path in map(_mended, listed):
        found += _listed(path) if is_address(path) else [str(file.absolute()) for file in files_of(path)]
    return found


def _mended(path: str | Path) -> str:
    """Returns a path as text; an address that went through `Path` has lost a slash, and gets it back."""
    match = re.match(r"([a-z0-9]+):/(?!/)", str(path)) if isinstance(path, Path) else None
    if match is None or match[1] not in SCHEMES:
        return str(path)
    return f"{match[1]}://{'/' if match[1] == 'file' else ''}{str(path)[match.end() :]}"


def _listed(address: str) -> list[str]:
    from pyarrow import fs

    store, path = fs.FileSystem.from_uri(address)
    head = address[: len(address.rstrip("/")) - len(path.rstrip("/"))]
    info = store.get_file_info(path)
    if info.type == fs.FileType.Directory:
        inside = [entry for entry in store.get_file_info(fs.FileSelector(path)) if entry.type == fs.FileType.File]
        at = {entry.base_name: entry.path for entry in inside}
        names = rollout_names(list(at))
        if not names:
            raise DataError(f"folder {address} holds no {', '.join(SUFFIXES)} file", "check the address")
        return [head + at[name] for name in names]
    if info.type != fs.FileType.File:
        raise DataError(f"no such file: {address}", "check the address")
    if not path.lower().endswith(SUFFIXES):
        raise DataError(f"{address}: unknown type of file", f"hicra reads {', '.join(SUFFIXES)}")
    return [address]


def read_file(path: str, reading: Reading, report: FileRead) -> Iterator[Chunk]:
    """Yields the solutions of one file in chunks and fills in `report`, also with errors of the file."""
    with tempfile.TemporaryDirectory(prefix="hicra-read-") as folder:
        shown_as = path if is_address(path) else None

        def note(error: dict[str, Any], data: bytes) -> None:
            report.noted.append(line_of(error | ({"file": shown_as} if shown_as else {}), data))

        account = Account(reading.on_bad == "stop", False, note if reading.quarantine is not None else None)
        rows = Rows(reading)
        try:
            local = _copied(path, Path(folder)) if is_address(path) else Path(path)
            yield from rows.chunks(_frames(local, account, How(reading.mapping, reading.decode)))
        except BadLine as bad:
            report.failed = [shown_as or bad.file, bad.line, bad.offset, bad.reason, bad.fix]
        except DataError as bad:
            report.failed = [bad.message.replace(folder + "/", ""), bad.fix]
        for error in account.errors:
            error["file"] = shown_as or error["file"]
        report.kept, report.duplicates, report.errors = account.kept, account.duplicates, account.errors
        report.seen = [digest.hex() for digest in account.seen]
        report.mined, report.wrong, report.unknown = rows.mined, rows.wrong, rows.unknown
        report.sources = sorted(rows.sources)


def _frames(path: Path, account: Account, how: How) -> Iterator[pl.DataFrame]:
    for batch in in_batches(rows_of(path, account, how), account, SIZE, SIZE_BYTES, extras=False):
        yield CANONICAL_ONLY.frame(batch)


def _copied(address: str, folder: Path) -> Path:
    from pyarrow import fs

    store, path = fs.FileSystem.from_uri(address)
    local = folder / Path(path).name
    try:
        with store.open_input_stream(path, compression=None) as source, open(local, "wb") as target:
            shutil.copyfileobj(source, target, 2**20)
    except OSError as error:
        raise DataError(f"{address} cannot be read: {error}", "check the address and the machine's access") from None
    return local
