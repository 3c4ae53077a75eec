"""Names the types of arrays and the letters of their shapes, and has the one way from a tensor to numpy.

Shapes are written in docstrings as [B,T] and so on; the letters mean the same everywhere:

    B rollouts of a batch        T token positions of a rollout      V entries of a vocabulary, or words
    G grams or n-grams           H hits (occurrences of grams)       P pieces of text, or policy tokens
    S bytes, or automaton states N rows, texts or numbers at hand    D dimensions of a vector
    K labels or clusters         U units of a labelled trace         R resamples or records
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hicra.errors import DataError

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
CodePoints = NDArray[np.uint32]
Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]
Int32s = NDArray[np.int32]
Ints = NDArray[np.int64]
Vectors = NDArray[np.float32]


def as_numpy(value: Any) -> Array:
    """Returns a numpy view or copy of a numpy array, torch tensor or sequence; bfloat16, which numpy lacks, becomes float32.

    Raises:
        DataError: the rows of a sequence are not equally long.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        return np.asarray(value.float() if str(value.dtype) == "torch.bfloat16" else value)
    try:
        return np.asarray(value)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        lengths = sorted({len(row) for row in value if hasattr(row, "__len__")})
        raise DataError(
            f"rows of unequal length ({', '.join(map(str, lengths)) or 'numbers beside lists'}) make no array",
            "pad the shorter rows to the longest, and say in the response mask which tokens are real",
        ) from None


def namespace_of(value: Any) -> Any:
    """Returns the module whose functions take this array: torch for a tensor, numpy for anything else."""
    if hasattr(value, "detach"):
        import torch

        return torch
    return np
