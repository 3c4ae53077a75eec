"""Turns grams into vectors without any model: by signed hashing of words and of characters inside words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hicra.arrays import Vectors
from hicra.mining.embedders.interface import unit_rows


class Hashing:
    """Hashes words (weight 1) and character 3- to 5-grams inside words (weight 0.5), with signs, to unit length."""

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
