"""Turns grams into vectors without a network: by static token vectors (model2vec folders, wordllama), or vectors of your own.

A static vector of a gram is the mean of its tokens' vectors, brought to unit length. Only the folder's two files are
read, `model.safetensors` and `tokenizer.json`; the packages `safetensors` and `tokenizers` do that.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hicra.arrays import Array, Vectors
from hicra.errors import ConfigError, DataError
from hicra.mining.embedders.interface import unit_rows


class Static:
    """Embeds a gram as the mean of its tokens' vectors.

    Attributes:
        table: [V, D] float32, one row a token.
        tokenizer: a tokenizer of the `tokenizers` package.
        unknown: id of the unknown token, left out of the mean; None where there is none.
    """

    def __init__(self, name: str, weights: Path, tokenizer: Path) -> None:
        try:
            from safetensors import SafetensorError
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ConfigError(
                f"embedder {name!r} needs the package {error.name}", "pip install safetensors tokenizers"
            ) from None
        for path in (weights, tokenizer):
            if not path.is_file():
                raise ConfigError(f"embedder {name!r}: no file {str(path)!r}", "name a folder that holds the model")
        try:
            arrays = load_file(weights)
        except (OSError, SafetensorError) as error:
            raise DataError(f"{weights} is not readable: {error}", "download the model again") from None
        self.table = _piece_vectors(arrays, weights)
        self.tokenizer = Tokenizer.from_file(str(tokenizer))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.unknown = next(
            (i for token in ("[UNK]", "<unk>") if (i := self.tokenizer.token_to_id(token)) is not None), None
        )
        self.name, self.digest = name, _sha256(weights)

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "dimensions": self.table.shape[1], "sha256": self.digest, "pooling": "mean"}

    def embed(self, grams: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(grams), self.table.shape[1]), np.float64)
        for row, encoded in enumerate(self.tokenizer.encode_batch(list(grams), add_special_tokens=False)):
            ids = [piece for piece in encoded.ids if piece != self.unknown]
            if ids:
                vectors[row] = self.table[ids].astype(np.float64).mean(axis=0)
        return unit_rows(vectors)


class GivenVectors:
    """Embeds with vectors of your own: a Parquet file with the columns `gram` (folded) and `vector` (lists of equal length)."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise ConfigError(f"no file of vectors {str(path)!r}", "give a Parquet file with columns gram, vector")
        try:
            table = pl.read_parquet(self.path, glob=False)
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise DataError(f"{path} is not readable as Parquet: {error}", "write columns gram, vector") from None
        if missing := [column for column in ("gram", "vector") if column not in table.columns]:
            raise DataError(f"{path} has no column {missing[0]!r}", f"its columns are {', '.join(table.columns)}")
        try:
            vectors = table["vector"].cast(pl.List(pl.Float64))
            lengths = vectors.list.len().unique().to_list()
            if len(lengths) != 1 or lengths == [0] or lengths == [None]:
                raise DataError(
                    f"{path}: vectors have {sorted(lengths, key=str)} numbers", "give all vectors one length"
                )
            self.vectors = np.stack(vectors.to_list()).astype(np.float64)
        except (pl.exceptions.PolarsError, TypeError) as error:
            raise DataError(f"{path}: column vector is no list of numbers: {error}", "write lists of floats") from None
        names = table["gram"].to_list()
        if not np.isfinite(self.vectors).all():
            bad = int(np.flatnonzero(~np.isfinite(self.vectors).all(axis=1))[0])
            raise DataError(f"{path}: the vector of {names[bad]!r} is not finite", "leave no null, NaN or infinity")
        self.rows = {gram: row for row, gram in enumerate(names)}
        if len(self.rows) < len(names):
            twice = next(gram for row, gram in enumerate(names) if self.rows[gram] != row)
            raise DataError(f"{path}: gram {twice!r} occurs twice", "keep one of them")
        self.digest = _sha256(self.path)

    def describe(self) -> dict[str, Any]:
        return {"name": "file", "dimensions": self.vectors.shape[1], "sha256": self.digest}

    def embed(self, grams: Sequence[str]) -> Vectors:
        absent = [gram for gram in grams if gram not in self.rows]
        if absent:
            some = ", ".join(map(repr, absent[:5])) + (", ..." if len(absent) > 5 else "")
            raise DataError(
                f"{self.path} has no vector for {len(absent)} of {len(grams)} grams: {some}",
                "add them, or embed fewer with max_embedded",
            )
        return unit_rows(self.vectors[[self.rows[gram] for gram in grams]])


def model2vec(folder: str | Path) -> Static:
    """Opens a model2vec folder: `embeddings` [V', D], and where given `mapping` [V] and `weights` [V]."""
    folder = Path(folder)
    return Static("model2vec", folder / "model.safetensors", folder / "tokenizer.json")


def wordllama() -> Static:
    """Opens the vectors that the package wordllama carries (from Llama 2's input table; its licence holds for them).

    Raises:
        ConfigError: the package is not installed.
    """
    found = importlib.util.find_spec("wordllama")
    if found is None or not found.submodule_search_locations:
        raise ConfigError(
            "embedder 'wordllama' needs a package that is not installed: wordllama",
            "pip install --no-deps wordllama; or use --embedder hashing",
        )
    root = Path(next(iter(found.submodule_search_locations)))
    weights, tokenizer = "weights/l2_supercat_256.safetensors", "tokenizers/l2_supercat_tokenizer_config.json"
    return Static("wordllama", root / weights, root / tokenizer)


def _piece_vectors(arrays: dict[str, Array], path: Path) -> Vectors:
    table = next((arrays[key] for key in ("embeddings", "embedding.weight") if key in arrays), None)
    if table is None or table.ndim != 2:
        raise DataError(f"{path} holds no table of vectors: {sorted(arrays)}", "give a model2vec folder")
    rows = table.astype(np.float32)
    if "mapping" in arrays:
        rows = rows[arrays["mapping"]]
    if "weights" in arrays:
        rows = rows * arrays["weights"].astype(np.float32)[:, None]
    return rows


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
