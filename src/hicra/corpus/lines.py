"""Cuts plain, gzip and zstd files into lines, at `\\n` only, within limits that hostile files cannot pass.

A damaged compressed file (half a frame, wrong checksum, a decompression bomb) is an error of the whole file, whatever
`on_bad` says: what it would have held is unknown, so its lines cannot be counted.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple, Protocol

import zstandard

from hicra.corpus.first_bytes import LONGEST, refuse_other
from hicra.errors import DataError

MAX_LINE = 64 * 2**20  # bytes
MAX_RATIO = 200.0
RATIO_FLOOR = 64 * 2**20  # bytes of output below which no ratio is suspicious: small files of equal rows pass
BLOCK = 2**18
# One zstd block of 4 bytes may stand for 128 KiB: with 2 KiB of input a call never gives more than 64 MiB.
COMPRESSED_BLOCK = 2**11
_COMPRESSION = {".gz": "gzip", ".zst": "zstd"}
MAX_WINDOW = 2**27  # bytes of history a zstd frame may ask for


class RawLine(NamedTuple):
    """Holds a line: its number from 1, the offset of its first byte in the (decompressed) file, its bytes without `\\n`."""

    number: int
    offset: int
    data: bytes
    too_long: bool = False


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def shown(path: Path) -> str:
    """Returns a file's name as text that can always be printed, with bytes that are not UTF-8 escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def read_lines(path: Path, max_line: int = MAX_LINE, max_ratio: float = MAX_RATIO) -> Iterator[RawLine]:
    """Yields the lines of a `.jsonl`, `.jsonl.gz` or `.jsonl.zst` file.

    Args:
        path: the file; its last suffix names the compression.
        max_line: longest line in bytes; a longer one comes with `too_long` and no data.
        max_ratio: largest number of decompressed bytes for a compressed one, checked past `RATIO_FLOOR`.

    Raises:
        DataError: the file cannot be read, it is of another kind than its name says, its compression is truncated or corrupt, or
            the ratio is over the limit.
    """
    try:
        with open(path, "rb") as file:
            suffix = path.suffix.lower()
            refuse_other(shown(path), file.peek(LONGEST), _COMPRESSION.get(suffix, "text"))
            if suffix == ".gz":
                blocks = decompressed(file, path, lambda: zlib.decompressobj(wbits=31), "gzip", max_ratio)
            elif suffix == ".zst":
                context = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
                blocks = decompressed(file, path, context.decompressobj, "zstd", max_ratio)
            else:
                blocks = iter(lambda: file.read(BLOCK), b"")
            yield from split_lines(blocks, max_line)
    except OSError as error:
        raise DataError(
            f"{shown(path)} cannot be read: {error.strerror or error}", "check the path and its permissions"
        ) from None


def decompressed(
    file: IO[bytes], path: Path, new: Callable[[], _Decoder], kind: str, max_ratio: float
) -> Iterator[bytes]:
    """Yields the unpacked blocks of a file; raises DataError where it is damaged, half, or unpacks to more than the ratio allows.

    Args:
        file: what is read, to its end.
        path: names it in errors.
        new: makes the decoder of each frame or member.
        kind: the compression; zero padding is allowed behind "gzip".
        max_ratio: as for `read_lines`.
    """
    decoder: _Decoder | None = None
    consumed = produced = 0
    while block := file.read(COMPRESSED_BLOCK):
        consumed += len(block)
        while block:
            if decoder is None:
                if kind == "gzip" and consumed > len(block) and not block.strip(b"\0"):
                    break  # zero padding after the last member, as gzip itself allows
                decoder = new()
            try:
                data = decoder.decompress(block)
            except (zlib.error, zstandard.ZstdError) as error:
                raise DataError(
                    f"{shown(path)} is damaged {kind} near byte {consumed - len(block)}: {error}",
                    "fetch or compress it again",
                ) from None
            block = decoder.unused_data if decoder.eof else b""
            if decoder.eof:
                decoder = None
            produced += len(data)
            if produced > RATIO_FLOOR and produced > max_ratio * consumed:
                raise DataError(
                    f"{shown(path)} unpacks to over {max_ratio:g} times its size ({produced} bytes from {consumed})",
                    "it looks like a decompression bomb; unpack it yourself if you trust it",
                )
            yield data
    if decoder is not None:
        raise DataError(
            f"{shown(path)} is truncated: its last {kind} frame does not end (after {produced} bytes of text)",
            "fetch it again",
        )


def split_lines(blocks: Iterator[bytes], max_line: int = MAX_LINE) -> Iterator[RawLine]:
    """Cuts a stream of byte blocks at `\\n`; the rest after the last one is a line when it is not empty."""
    number, offset, size = 1, 0, 0
    parts: list[bytes] = []
    too_long = False
    for block in blocks:
        start = 0
        while (end := block.find(b"\n", start)) >= 0:
            size += end - start
            if too_long or size > max_line:
                yield RawLine(number, offset, b"", True)
            elif parts:
                yield RawLine(number, offset, b"".join((*parts, block[start:end])))
            else:
                yield RawLine(number, offset, block[start:end])
            number, offset, size, too_long = number + 1, offset + size + 1, 0, False
            parts.clear()
            start = end + 1
        size += len(block) - start
        too_long = size > max_line
        if too_long:
            parts.clear()  # a line that is too long is counted, never kept
        elif start < len(block):
            parts.append(block[start:])
    if size:
        yield RawLine(number, offset, b"" if too_long else b"".join(parts), too_long)
