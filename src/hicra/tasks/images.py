"""Reads the images of a benchmark row, from bytes in parquet or from files next to the question file.

An image is passed on as the encoded file (PNG, JPEG, GIF, WebP or BMP), which is recognised by its first bytes; `open_images`
decodes images with Pillow for models that need pixels.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from hicra.artifacts import sha256_bytes
from hicra.errors import DataError, EngineError

FOLDER = "images"  # beside the file or in the run folder that names them
MAX_BYTES = 64 * 2**20
MAX_PIXELS = 100_000_000
_KEPT = re.compile(rf"{FOLDER}/[0-9a-f]{{64}}\.(png|jpeg|gif|bmp|webp)")
_KINDS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"), (b"BM", "bmp"))


def kind_of(data: bytes) -> str | None:
    """Recognises the format by the first bytes: "png", "jpeg", "gif", "bmp" or "webp", None for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((kind for magic, kind in _KINDS if data.startswith(magic)), None)


def kept_name(data: bytes) -> str:
    """Returns the name under which hicra keeps an image beside what names it: `images/SHA256.KIND`."""
    return f"{FOLDER}/{sha256_bytes(data)}.{kind_of(data)}"


def is_kept_name(name: object) -> bool:
    """Tells whether a value is a name as `kept_name` makes it, which leads nowhere else.

    >>> [is_kept_name("images/" + "0" * 64 + ".png"), is_kept_name("images/../secret.png"), is_kept_name(None)]
    [True, False, False]
    """
    return isinstance(name, str) and _KEPT.fullmatch(name) is not None


def images_of(row: Mapping[str, Any], columns: Sequence[str], folder: Path | None) -> tuple[bytes, ...]:
    """Reads the images of a row, in the order of the columns.

    A value is bytes, `{"bytes": ..., "path": ...}` as `datasets` writes it, or the path of a file below `folder`. If two columns
    hold the same image, one as a path and one as bytes, only the bytes are used.

    Args:
        row: the row.
        columns: the columns of images; empty for a benchmark without images.
        folder: the folder that paths start from; None for a data set of the hub.

    Raises:
        DataError: an image is missing, cannot be read, is too large, or lies outside the folder.
    """
    if not columns:
        return ()
    values = [row[name] for name in columns if row.get(name) is not None]
    if "decoded_image" in columns:
        values = values[:1]
    if not values:
        raise DataError(f"no image in {', '.join(columns)}", "give each row of this benchmark its image")
    return tuple(_read(value, folder) for value in values)


def open_images(images: Sequence[bytes]) -> list[Any]:
    """Decodes the images as Pillow RGB images, for a processor that needs pixels.

    Raises:
        EngineError: Pillow is not installed.
        DataError: an image is damaged, or has more than 100 million pixels.
    """
    if importlib.util.find_spec("PIL") is None:
        raise EngineError("images need Pillow, which is not installed", "pip install pillow")
    from PIL import Image, UnidentifiedImageError

    out = []
    for data in images:
        try:
            image = Image.open(BytesIO(data))
            if image.width * image.height > MAX_PIXELS:
                raise DataError(
                    f"an image has {image.width} x {image.height} pixels",
                    f"make it smaller: at most {MAX_PIXELS:,} pixels",
                )
            out.append(image.convert("RGB"))
        except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise DataError(f"an image cannot be decoded: {error}", "write or download it again") from None
    return out


def _read(value: Any, folder: Path | None) -> bytes:
    if hasattr(value, "save") and hasattr(value, "mode"):  # `datasets` decodes the images of the hub
        buffer = BytesIO()
        value.convert("RGB").save(buffer, format="PNG")
        value = buffer.getvalue()
    if isinstance(value, Mapping):
        value = value.get("bytes") or value.get("path")
    data = _from_file(value, folder) if isinstance(value, str) else value
    if not isinstance(data, bytes):
        raise DataError(f"an image is {type(data).__name__}", "give bytes, {bytes, path}, or the path of a file")
    if len(data) > MAX_BYTES:
        raise DataError(f"an image has {len(data):,} bytes", f"make it smaller: at most {MAX_BYTES:,} bytes")
    if kind_of(data) is None:
        raise DataError("an image is neither PNG, JPEG, GIF, WebP nor BMP", "convert it, or download it again")
    return data


def _from_file(name: str, folder: Path | None) -> bytes:
    if folder is None:
        raise DataError(f"the image is a path ({name!r}) without a folder", "give a file with the images next to it")
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise DataError(f"image {name!r} lies outside the folder of its file", "put the images next to the file")
        if path.stat().st_size > MAX_BYTES:
            raise DataError(
                f"image {name!r} has {path.stat().st_size:,} bytes", f"make it smaller: at most {MAX_BYTES:,} bytes"
            )
        return path.read_bytes()
    except DataError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise DataError(f"no image {name!r} beside the file: {error}", "put the images next to the file") from None
