"""Grams to vectors: one interface, `open` chooses, `hashing`, `minilm` and `static` (word vectors) embed, `cache` remembers."""

from __future__ import annotations

from hicra.mining.embedders.interface import Embedder
from hicra.mining.embedders.open import EMBEDDERS, default_embedder, get_embedder

__all__ = ["EMBEDDERS", "Embedder", "default_embedder", "get_embedder"]
