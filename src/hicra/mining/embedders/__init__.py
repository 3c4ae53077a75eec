"""Turns grams into vectors: `open` chooses an embedder, `hashing`, `minilm` and `static` (token vectors) embed.

`interface` says what they share, `cache` keeps vectors on disk.
"""

from __future__ import annotations

from hicra.mining.embedders.interface import Embedder
from hicra.mining.embedders.open import EMBEDDERS, default_embedder, get_embedder

__all__ = ["EMBEDDERS", "Embedder", "default_embedder", "get_embedder"]
