"""Keeps vectors on disk by the hash of the gram's text: mining again with other settings embeds only what is new.

It is only for embedders whose vector of a gram does not depend on the other grams, so that the lexicon has the same bytes
with and without it. The files are in `$HICRA_CACHE/vectors`, else `~/.cache/hicra/vectors`; `HICRA_VECTORS=off` turns it off.
It is no setting of mining, since it changes nothing that is recorded. A file that cannot be read is removed, and its
vectors are made again.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hicra.arrays import Vectors
from hicra.artifacts import atomic_file, canonical_json, sha256_bytes
from hicra.mining.embedders.interface import Embedder

KEY = 16  # bytes of a gram's hash
MOST_BYTES = 2**29  # of one embedder's files: past that nothing is added


class Cacheable(Embedder, Protocol):
    """An embedder that says what its vectors depend on."""

    def cache_key(self) -> dict[str, Any]:
        """Returns all that the last bit of a vector may depend on, beside the gram."""
        ...


class Cached:
    """Embeds grams, and keeps their vectors in files."""

    def __init__(self, embedder: Cacheable, folder: Path | None = None) -> None:
        self.embedder = embedder
        self.root = folder or cache_folder()

    def describe(self) -> dict[str, Any]:
        return self.embedder.describe()

    def embed(self, grams: Sequence[str]) -> Vectors:
        if self.root is None or not grams:
            return self.embedder.embed(grams)
        try:
            folder = self.root / sha256_bytes(canonical_json(self.embedder.cache_key()).encode())[:16]
        except ImportError:
            return self.embedder.embed(grams)  # it says itself what is missing
        keys = [blake2b(gram.encode(), digest_size=KEY).digest() for gram in grams]
        known, vectors = _read(folder)
        new = [row for row, key in enumerate(keys) if key not in known]
        have = [row for row, key in enumerate(keys) if key in known]
        made = self.embedder.embed([grams[row] for row in new]) if new else vectors[:0]
        if new:
            _write(folder, [keys[row] for row in new], made)
        result = np.empty((len(grams), (made if new else vectors).shape[1]), np.float32)
        if have:
            result[have] = vectors[[known[keys[row]] for row in have]]
        result[new] = made
        return result


def cache_folder() -> Path | None:
    """Returns where vectors are kept: `$HICRA_CACHE/vectors`, or `~/.cache/hicra/vectors`; None where that is turned off."""
    named = os.environ.get("HICRA_CACHE")
    if "off" in (named, os.environ.get("HICRA_VECTORS")):
        return None
    return (Path(named).expanduser() if named else Path.home() / ".cache" / "hicra") / "vectors"


def _read(folder: Path) -> tuple[dict[bytes, int], Vectors]:
    """Returns the row of each key, and the vectors [N, D] of all files in a folder."""
    rows: dict[bytes, int] = {}
    vectors: list[Vectors] = []
    for path in sorted(folder.glob("[!.]*.npz")):
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
                keys, some = held["keys"], held["vectors"]
            if keys.dtype != np.uint8 or keys.shape != (len(some), KEY) or some.dtype != np.float32 or some.ndim != 2:
                raise ValueError("not a file of vectors")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            path.unlink(missing_ok=True)
            continue
        done = sum(map(len, vectors))
        rows.update({key.tobytes(): done + row for row, key in enumerate(keys)})
        vectors.append(some)
    return rows, np.concatenate(vectors) if vectors else np.empty((0, 0), np.float32)


def _write(folder: Path, keys: list[bytes], vectors: Vectors) -> None:
    """Writes one more file; a folder that cannot be written to, or is full, is left as it is."""
    joined = b"".join(keys)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if sum(path.stat().st_size for path in folder.glob("[!.]*.npz")) + vectors.nbytes > MOST_BYTES:
            return
        path = folder / f"{sha256_bytes(joined)[:16]}.npz"
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            np.savez(file, keys=np.frombuffer(joined, np.uint8).reshape(-1, KEY), vectors=vectors)
    except OSError:
        return
