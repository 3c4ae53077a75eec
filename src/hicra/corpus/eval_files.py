"""Reads the samples of an Inspect log in its own format, .eval: a zip file with a JSON file for each sample.

Nothing is unpacked to disk. Inspect compresses with zstd, which the zip reader of Python 3.11 does not know, so the bytes of a
member are taken out here, and its checksum is compared. A log of an evaluation that has not ended lacks `header.json`; what the
evaluation is stands then in `_journal/start.json`.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import zstandard

from hicra.corpus.first_bytes import LONGEST, refuse_other
from hicra.corpus.json_files import MAX_BYTES, Found
from hicra.corpus.lines import MAX_RATIO, MAX_WINDOW, decompressed, shown
from hicra.corpus.strict_json import BadRow, JsonParser
from hicra.errors import DataError

SUFFIX = ".eval"
HEADERS = ("header.json", "_journal/start.json")
_STORED, _DEFLATED, _ZSTD, _ENCRYPTED = 0, 8, 93, 1
_LOCAL = struct.Struct(
    "<26xHH"
)  # what stands before a member: the lengths of its name and of its extra field at the end


def is_eval(path: Path) -> bool:
    """Says whether a file is a log of Inspect in its own format, by its name."""
    return path.name.lower().endswith(SUFFIX)


def eval_values(path: Path, parser: JsonParser, max_ratio: float = MAX_RATIO) -> Iterator[Found]:
    """Yields the samples of a log in the order in which they were written, each with the log's `eval` beside it.

    Raises:
        DataError: the file cannot be read, is no such log, or a member of it is damaged or unpacks to more than it may.
    """
    try:
        with open(path, "rb") as file, zipfile.ZipFile(_checked(path, file)) as log:
            members = {one.filename: one for one in log.infolist()}
            beside = {"eval": _eval(path, file, members, max_ratio)}
            for name, member in members.items():
                if name.startswith("samples/") and name.endswith(".json"):
                    yield _sample(name, _bytes(path, file, member, max_ratio), parser, beside)
    except OSError as error:
        raise DataError(
            f"{shown(path)} cannot be read: {error.strerror or error}", "check the path and its permissions"
        ) from None
    except zipfile.BadZipFile as error:
        raise _no_log(path, f"it is no whole zip file ({error})") from None


def _checked(path: Path, file: io.BufferedReader) -> io.BufferedReader:
    """Returns an open file; raises DataError where it begins as one of another kind."""
    refuse_other(shown(path), file.peek(LONGEST), "a zip file")
    return file


def _sample(name: str, data: bytes, parser: JsonParser, beside: dict[str, Any]) -> Found:
    value, bad = None, None
    try:
        text = data.decode("utf-8")
        value, end = parser.value(text, 0)
        if text[end:].strip():
            raise BadRow("there is more after its end")
    except BadRow as refused:
        bad = BadRow(f"{name}: {refused.reason}")
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        bad = BadRow(f"{name} is not JSON: {error}")
    return Found(value, None, data, bad, beside)


def _eval(path: Path, file: IO[bytes], members: dict[str, zipfile.ZipInfo], max_ratio: float) -> Any:
    """Returns what the log says of the evaluation."""
    name = next((one for one in HEADERS if one in members), None)
    if name is None:
        raise _no_log(path, f"it holds no {HEADERS[0]}")
    try:
        header = json.loads(_bytes(path, file, members[name], max_ratio))
    except (ValueError, RecursionError) as error:
        raise _no_log(path, f"{name} is not JSON: {error}") from None
    if not isinstance(header, dict) or not isinstance(header.get("eval"), dict):
        raise _no_log(path, f"{name} has no object `eval`")
    return header["eval"]


def _bytes(path: Path, file: IO[bytes], member: zipfile.ZipInfo, max_ratio: float) -> bytes:
    """Returns what a member holds."""
    what = f"{member.filename} in it"
    if member.file_size > MAX_BYTES:
        raise DataError(f"{shown(path)}: {what} is larger than {MAX_BYTES} bytes", "write a log without that sample")
    file.seek(member.header_offset)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size:
        raise _no_log(path, f"{what} is not there whole")
    file.seek(sum(_LOCAL.unpack(head)), io.SEEK_CUR)
    data = file.read(member.compress_size)
    if member.flag_bits & _ENCRYPTED:
        raise _no_log(path, f"{what} is encrypted")
    if member.compress_type == _ZSTD:
        context = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
        data = b"".join(decompressed(io.BytesIO(data), path, context.decompressobj, "zstd", max_ratio))
    elif member.compress_type == _DEFLATED:
        data = b"".join(
            decompressed(io.BytesIO(data), path, lambda: zlib.decompressobj(wbits=-15), "deflate", max_ratio)
        )
    elif member.compress_type != _STORED:
        raise _no_log(path, f"{what} is compressed by method {member.compress_type}, which hicra does not know")
    if len(data) != member.file_size or zlib.crc32(data) != member.CRC:
        raise _no_log(path, f"{what} is damaged: its checksum differs")
    return data


def _no_log(path: Path, why: str) -> DataError:
    return DataError(
        f"{shown(path)} is no readable log of Inspect: {why}",
        "fetch it again, or write it as JSON: `inspect log convert --to json --output-dir DIR LOG`",
    )
