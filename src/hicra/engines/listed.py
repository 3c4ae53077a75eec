"""Reads what a trainer keeps as lists, one entry for each rollout: lists, arrays or tensors become padded arrays.

Every error names the argument and the rollout. A mapping, a set or an iterator is refused: the first two have no order that the
other arguments share, and the last can be read only once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from hicra.arrays import Array, Bools, Floats, Ints, as_floats, as_numpy
from hicra.errors import DataError, HicraError

Rows = Sequence[Any]  # one entry for each rollout


def _entries(values: Any, name: str) -> list[Any]:
    """Returns what a list, or an array or tensor of rollouts, holds.

    Raises:
        DataError: it is something else; a mapping or a set would be read in another order than its owner means, or by its keys.
    """
    odd = isinstance(values, str | bytes | Mapping | Set) or not hasattr(values, "__len__")
    if odd or getattr(values, "ndim", 1) == 0:
        raise DataError(f"{name} is of type {type(values).__name__}", "give a list with an entry for each rollout")
    return list(values)


def same_length(values: Any, count: int, name: str) -> None:
    """Raises DataError where an argument is no list, or has another number of entries than there are rollouts."""
    if (found := len(_entries(values, name))) != count:
        raise DataError(
            f"{name} has {found} entries and token_ids {count}", f"give one entry of {name} for each rollout"
        )


def one_each_of(values: Any, name: str) -> list[Any]:
    """Returns the entries of an argument that has one value for each rollout; those of arrays and tensors as Python's own.

    Raises:
        DataError: an entry is a list, or an array that is no single value.
    """
    plain = values.tolist() if hasattr(values, "tolist") else list(values)
    found = [one.item() if getattr(one, "ndim", None) == 0 else one for one in plain]
    if (odd := next((number for number, one in enumerate(found) if np.ndim(one)), None)) is not None:
        raise DataError(
            f"that of rollout {odd} is a {type(found[odd]).__name__}", f"give {name} one value for each rollout"
        )
    return found


def id_rows(values: Rows, name: str) -> list[Array]:
    """Returns the token ids of each rollout as an array of one dimension.

    Raises:
        DataError: a rollout has no flat list of integers.
    """
    out = []
    for number, one in enumerate(_entries(values, name)):
        row = of_argument(f"{name}: that of rollout {number}", functools.partial(as_numpy, one))
        if row.ndim != 1:
            raise DataError(f"{name}: that of rollout {number} has shape {row.shape}", "give a flat list of numbers")
        if row.size and row.dtype.kind not in "iu":
            raise DataError(f"{name}: rollout {number} holds {row.dtype}, no integers", "give the sampled token ids")
        if row.size and row.max() > np.iinfo(np.int64).max:
            raise DataError(f"{name}: rollout {number} holds {row.max()}, which is no id", "give the sampled token ids")
        out.append(row)
    return out


def padded_ids(rows: list[Array], lengths: list[int], live: Bools) -> Ints:
    """Returns token ids as [B,T] int64, padded with 0; raises DataError where the id of a policy token is negative."""
    ids: Ints = _stacked(rows, lengths, np.int64)
    if len(bad := np.argwhere((ids < 0) & live)):
        row, token = bad[0].tolist()
        raise DataError(
            f"token_ids: rollout {row} holds the negative id {ids[row, token]} at token {token}, where masks is 1",
            "give the sampled token ids, or set masks to 0 where the policy produced no token",
        )
    return ids


def padded_flags(masks: Rows, lengths: list[int]) -> Bools:
    """Returns masks as [B,T] bool; raises DataError where one is not as long as its rollout, or holds neither 0 nor 1."""
    rows = _numbers(masks, lengths, "masks")
    for number, row in enumerate(rows):
        if len(wrong := np.flatnonzero((row != 0) & (row != 1))):
            raise DataError(
                f"masks: rollout {number} has {row[wrong[0]]:g} at token {wrong[0]}",
                "give 1 where the policy produced the token, else 0",
            )
    return np.asarray(_stacked([row == 1 for row in rows], lengths, np.bool_))


def padded_numbers(values: Rows, lengths: list[int], name: str) -> Array:
    """Returns lists of numbers as [B,T] float64, padded with 0; None becomes NaN. Raises as `_numbers`."""
    same_length(values, len(lengths), name)
    return _stacked(_numbers(values, lengths, name), lengths, np.float64)


def _numbers(values: Rows, lengths: list[int], name: str) -> list[Floats]:
    """Returns each rollout's numbers as float64, NaN for None.

    Raises:
        DataError: one has another length than the rollout's token ids, or holds what is no number.
    """
    rows = []
    for number, (one, length) in enumerate(zip(values, lengths, strict=True)):
        try:
            found = as_numpy(one)
            row = numbers_of(found) if found.shape == (length,) else found
        except DataError:
            raise DataError(
                f"{name}: that of rollout {number} is no list of numbers", "give one number for each token"
            ) from None
        if row.shape != (length,):
            raise DataError(
                f"{name}: that of rollout {number} has shape {row.shape}, and the rollout has {length} token ids",
                f"give one entry of {name} for each token id, of the same response and in the same order",
            )
        rows.append(row)
    return rows


def numbers_of(values: Any) -> Floats:
    """Returns numbers as float64, NaN for None. Raises DataError where one is no number; text never is, whatever it spells."""
    found = as_numpy(values)
    if found.dtype.kind == "O":
        found = as_numpy([np.nan if one is None else one for one in found.tolist()])
    return as_floats(found, "the entries")


def _stacked(rows: Sequence[Array], lengths: list[int], dtype: type) -> Array:
    """Returns rows as [B,T], padded with 0."""
    out: Array = np.zeros((len(rows), max([1, *lengths])), dtype)
    for number, row in enumerate(rows):
        out[number, : lengths[number]] = row
    return out


def of_argument(name: str, read: Callable[[], Array]) -> Array:
    """Calls a function that reads an argument. Raises DataError as that function does, with the name of the argument."""
    try:
        return read()
    except HicraError as error:
        said = error.message.removeprefix("group_ids: ")
        raise DataError(said if said.startswith(name) else f"{name}: {said}", error.fix) from None
