"""Says what mining needs of an embedder, which turns grams into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from hicra.arrays import Floats, Vectors


class Embedder(Protocol):
    """Says what mining needs of an embedder. It must give the same vectors for the same list in every process."""

    def describe(self) -> dict[str, Any]:
        """Returns what is recorded in the lexicon: name, size, version; no paths."""
        ...

    def embed(self, grams: Sequence[str]) -> Vectors:
        """Returns the vectors of grams, [G, D] float32, rows of unit length."""
        ...


def unit_rows(vectors: Floats) -> Vectors:
    """Brings rows to length 1, as float32; a row of zeros stays."""
    length = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    return (vectors / np.where(length == 0, 1, length)).astype(np.float32)
