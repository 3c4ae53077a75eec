"""Random numbers of a whole batch that depend on a seed and on a row's own tokens, and on nothing else.

A generator for every row would cost more than what is drawn from it. Here each number is the hash of the row's key and of
counters that the caller names (the number of the thing drawn for, the attempt), so a row draws the same in every batch, order and
padding. The hash is the last step of splitmix64 (Steele, Lea and Flood 2014); it is no secret and must not guard one.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from hicra.arrays import Array, Bools, Floats, Hashes

Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]  # a setting
STEP = 0x9E3779B97F4A7C15  # the increment of splitmix64, 2^64 over the golden ratio


def row_keys(ids: Array, live: Bools, seed: int) -> Hashes:
    """Returns one key [B] a row: two rows have the same key where their policy tokens and the seed are the same.

    A row's key is the hash of its length, of the seed, and of the sum of its token ids, each times a fixed random weight of its
    place among the row's policy tokens. Two rows that differ have the same key with a chance of about 2^-64 times a small factor.

    Args:
        ids: [B,T] integers, the token ids; what stands at other tokens than policy tokens does not matter.
        live: [B,T] bool, the policy tokens.
        seed: any whole number; equal modulo 2^64 is equal.
    """
    counts = np.count_nonzero(live, axis=1)
    weights = hashed(np.zeros(1, np.uint64), np.arange(live.shape[1]))
    terms = ids[live].astype(np.uint64) * np.concatenate([weights[:count] for count in [*counts.tolist(), 0]])
    sums = np.zeros(len(counts), np.uint64)
    some = counts > 0
    sums[some] = np.add.reduceat(terms, (np.cumsum(counts) - counts)[some]) if some.any() else 0
    return hashed(sums, counts, seed % 2**64)


def hashed(keys: Hashes, *counters: Array | int) -> Hashes:
    """Returns the hash of keys and counters, which are not negative and broadcast together; their order matters.

    Args:
        keys: uint64, at least one dimension.
        counters: whole numbers from 0 to 2^64 - 1.
    """
    for counter in counters:
        keys = keys + np.uint64(STEP) * (np.atleast_1d(counter).astype(np.uint64) + np.uint64(1))
        keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        keys = keys ^ (keys >> np.uint64(31))
    return keys


def uniforms(keys: Hashes, *counters: Array | int) -> Floats:
    """Returns numbers that are uniform between 0 and 1 and never exactly either; arguments as for `hashed`."""
    return _unit(hashed(keys, *counters))


def normals(keys: Hashes, *counters: Array | int) -> Floats:
    """Returns standard normal numbers (Box and Muller 1958); arguments as for `hashed`."""
    drawn = hashed(keys, *counters)
    radius: Floats = np.sqrt(-2 * np.log(_unit(drawn)))
    return radius * np.cos(2 * np.pi * _unit(hashed(drawn, 0)))


def _unit(hashes: Hashes) -> Floats:
    """Turns 52 bits into the middle of one of 2^52 equal parts of (0, 1)."""
    return ((hashes >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
