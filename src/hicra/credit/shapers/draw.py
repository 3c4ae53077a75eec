"""Random numbers of a rollout, from a seed and its own tokens alone: the order of rows and the padding never matter."""

from __future__ import annotations

import hashlib
from typing import Annotated

import numpy as np
from pydantic import Field

from hicra.arrays import Array

Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]


def row_key(numbers: Array, seed: int) -> int:
    """Returns a random whole number of 64 bits that the seed and the numbers [N] of a row decide.

    Args:
        numbers: [N] whole numbers, such as the ids of the policy tokens of a row.
        seed: of 64 bits.
    """
    key = seed.to_bytes(8, "little", signed=True)
    digest = hashlib.blake2b(numbers.astype("<i8").tobytes(), digest_size=8, key=key)
    return int.from_bytes(digest.digest(), "little")


def row_generator(numbers: Array, seed: int) -> np.random.Generator:
    """Returns a generator that the seed and the numbers [N] of a row decide."""
    return np.random.default_rng(row_key(numbers, seed))
