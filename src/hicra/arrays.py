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
LARGEST = 2.0**63  # from here on an int64 holds no number


def as_numpy(value: Any) -> Array:
    """Returns a numpy view or copy of a numpy array, torch tensor or sequence; bfloat16, which numpy lacks, becomes float32.

    A sequence may hold tensors, also with a gradient, of bfloat16 or on a GPU.

    Raises:
        DataError: the rows of a sequence are not equally long.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        return np.asarray(value.float() if str(value.dtype) == "torch.bfloat16" else value)
    try:
        return np.asarray(value)
    except (RuntimeError, TypeError):  # what numpy says to such a tensor inside a list
        if not isinstance(value, list | tuple):
            raise
        return as_numpy([as_numpy(one) for one in value])
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        lengths = sorted({len(row) for row in value if hasattr(row, "__len__")})
        raise DataError(
            f"rows of unequal length ({', '.join(map(str, lengths)) or 'numbers beside lists'}) make no array",
            "pad the shorter rows to the longest, and say in the response mask which tokens are real",
        ) from None


def as_floats(value: Any, of: str) -> Floats:
    """Returns real numbers as float64; they may be NaN or infinite.

    Args:
        value: as for `as_numpy`.
        of: what the message calls them.

    Raises:
        DataError: they are complex, text or objects, or the rows of a sequence are not equally long.
    """
    found = as_numpy(value)
    if found.dtype.kind not in "fiub":
        raise DataError(f"{of} are of type {found.dtype}, no real numbers", "give floats or integers")
    return found.astype(np.float64)


def as_flags(value: Any, of: str, live: Any = None) -> Any:
    """Returns a mask as bool: numpy for a sequence, else numpy or torch as it is.

    Args:
        value: a mask of bool, or of numbers that are exactly 0 or 1, whatever their dtype.
        of: what the message calls the mask.
        live: bool, where the entries must hold that, while others may be anything; None checks all.

    Raises:
        DataError: an entry is neither.
    """
    mask = value if hasattr(value, "detach") else as_numpy(value)
    if mask.dtype == np.bool_ if isinstance(mask, np.ndarray) else str(mask.dtype) == "torch.bool":
        return mask
    on = mask != 0
    wrong = as_numpy(mask != on if live is None else (mask != on) & live)
    if wrong.any():
        place = np.argwhere(wrong)[0].tolist()
        found = mask[tuple(place)]
        raise DataError(
            f"{of}{place if place else ''} is {found.item() if hasattr(found, 'item') else found!r}, neither 0 nor 1",
            "give a mask of true and false, or of numbers that are exactly 0 or 1",
        )
    return on


def as_token_ids(ids: Array, live: Bools, of: str = "ids") -> Array:
    """Returns token ids [B,T] as integers; floats are taken where they are whole numbers at every policy token `live` [B,T].

    Raises:
        DataError: the ids are no numbers, or one of a policy token is not whole.
    """
    if ids.dtype.kind in "iu":
        return ids
    if ids.dtype.kind != "f":
        raise DataError(f"{of} are of type {ids.dtype}", "give token ids as integers")
    broken = live & ~((np.abs(ids) < LARGEST) & (ids == np.floor(ids)))
    if broken.any():
        row, column = np.argwhere(broken)[0]
        raise DataError(f"{of}[{row}, {column}] is {ids[row, column]}, no whole number", "give token ids as integers")
    return np.where(live, ids, 0).astype(np.int64)


def namespace_of(value: Any) -> Any:
    """Returns the module whose functions take this array: torch for a tensor, numpy for anything else."""
    if hasattr(value, "detach"):
        import torch

        return torch
    return np
