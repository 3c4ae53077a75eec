"""The file of one measured batch: how it is written, and that it is read again only where all of it is whole.

vectors [R,D] float32       gradients of the components
coefficients [P,R] float64  of the names
about                       JSON: names (keys.py), counts, tokens by kind, mean reward, seconds
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hicra.arrays import Array, Floats, Vectors
from hicra.artifacts import canonical_json
from hicra.signal.keys import kind_key, method_key
from hicra.signal.products import EXECUTION, PLANNING

COUNTS = ("rollouts", "judged", "right", "unscorable", "groups", "mixed_groups", "all_tokens")
NUMBERS = ("reward", "seconds")


@dataclass(frozen=True)
class MeasuredBatch:
    """One measured batch.

    Attributes:
        vectors: [R,D] gradients of the components.
        coefficients: {key: [R]} of each kind and method.
        about: JSON values: counts of the batch, and the seconds that it took.
    """

    vectors: Vectors
    coefficients: dict[str, Floats]
    about: dict[str, Any]


def write(path: Path, part: MeasuredBatch) -> None:
    """Writes a batch to a file, not atomically."""
    about = part.about | {"names": list(part.coefficients)}
    table = np.array(list(part.coefficients.values()), np.float64).reshape(len(part.coefficients), -1)
    savez(path, {"vectors": part.vectors, "coefficients": table, "about": as_text(about)})


def read(path: Path, methods: Collection[str], numbers: int) -> MeasuredBatch | None:
    """Reads a batch; returns None where the file is absent, damaged, or not of these methods and this length.

    Args:
        path: the file.
        methods: the names of the methods that it must have.
        numbers: the length of its gradients.
    """
    try:
        with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as file:
            about, vectors, table = json.loads(file["about"].tobytes()), file["vectors"], file["coefficients"]
    except Exception:  # a damaged file raises whatever zipfile, zlib, numpy and json raise; the batch is measured again
        return None
    if not (_reals(vectors, np.float32) and _reals(table, np.float64) and _whole(about)):
        return None
    names = about.pop("names")
    expected = {*map(kind_key, about["tokens"]), *map(method_key, methods)}
    fits = vectors.shape[1] == numbers and table.shape == (len(names), len(vectors))
    if not fits or len(names) != len(expected) or set(names) != expected:
        return None
    return MeasuredBatch(vectors, dict(zip(names, table, strict=True)), about)


def savez(path: Path, arrays: Mapping[str, Array]) -> None:
    """Writes arrays to a file of exactly that name."""
    with open(path, "wb") as file:  # an open file, because numpy adds an ending to a name
        np.savez(file, **arrays)  # type: ignore[arg-type]


def as_text(value: Any) -> Array:
    """Returns a JSON value as an array of bytes."""
    return np.frombuffer(canonical_json(value, indent=None).encode(), np.uint8)


def _reals(values: Array, dtype: Any) -> bool:
    return values.ndim == 2 and values.dtype == dtype and bool(np.isfinite(values).all())


def _whole(about: Any) -> bool:
    """Tells whether what is said of a batch has all that the result is made of."""
    if not isinstance(about, dict):
        return False
    tokens, names = about.get("tokens"), about.get("names")
    return (
        isinstance(tokens, dict)
        and {PLANNING, EXECUTION} <= set(tokens)
        and all(_count(one) for one in (*tokens.values(), *(about.get(key) for key in COUNTS)))
        and all(_number(about.get(key)) for key in NUMBERS)
        and isinstance(names, list)
        and all(isinstance(name, str) for name in names)
    )


def _count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
