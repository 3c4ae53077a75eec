"""Copies the images that rollouts name from beside the input into the run folder, so that the folder is whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from hicra.artifacts import atomic_file, sha256_bytes
from hicra.tasks.images import is_kept_name

COLUMN = "images"


def keep_images(files: Sequence[str], run: Path) -> list[str]:
    """Copies the images of a run's rollouts, as `hicra eval` keeps them (`images/SHA256.KIND` beside the samples).

    Args:
        files: the files that were read; an image is looked for in the folder of each.
        run: the run folder, with its rollouts.

    Returns:
        The names that no folder has with that content; a report says where such an image is missing.
    """
    folders = list(dict.fromkeys(Path(file).resolve().parent for file in files))
    missing = []
    for name in sorted(_named(run)):
        data = next(filter(None, (_content(folder / name) for folder in folders)), None)
        if data is None:
            missing.append(name)
            continue
        with atomic_file(run / name) as temporary:
            temporary.write_bytes(data)
    return missing


def _named(run: Path) -> set[str]:
    names: set[str] = set()
    for file in sorted((run / "rollouts").glob("*.parquet")):
        with open(file, "rb") as opened:
            if COLUMN in pl.read_parquet_schema(opened):
                column = pl.read_parquet(file, columns=[COLUMN], glob=False)[COLUMN]
                names.update(column.explode().drop_nulls().to_list())
    return {name for name in names if is_kept_name(name)}


def _content(path: Path) -> bytes | None:
    """Returns the bytes of an image whose name is the hash of its content; None where it is absent or another file."""
    data = path.read_bytes() if path.is_file() else b""
    return data if sha256_bytes(data) == path.stem else None
