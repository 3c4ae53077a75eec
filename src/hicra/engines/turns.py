"""How a response ended, and how often tools have answered in it: what an engine tells a credit method beside its tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hicra.arrays import Array, Bools, Ints


def truncated(ids: Array, live: Bools, end: int | Sequence[int] | None) -> Bools:
    """Says of which responses [B] the last policy token is no end token; one without a policy token is such a response.

    >>> truncated(np.array([[5, 9], [5, 0], [9, 5]]), np.array([[True, True], [True, False], [True, True]]), 9).tolist()
    [False, True, True]
    """
    last = np.where(live, np.arange(live.shape[1]), -1).max(axis=1, initial=-1)
    ends = ids[np.arange(len(ids)), np.maximum(last, 0)] if ids.shape[1] else last
    known = np.atleast_1d(np.asarray([] if end is None else end, np.int64))
    return np.asarray((last < 0) | (ends[:, None] != known).all(axis=1))


def calls(tool: Bools) -> Ints:
    """Counts the stretches [B] of tool tokens [B,T]; each is what one call gave back.

    >>> calls(np.array([[False, True, True, False, True], [False] * 5])).tolist()
    [2, 0]
    """
    before = np.zeros_like(tool)
    before[:, 1:] = tool[:, :-1]
    return np.asarray((tool & ~before).sum(axis=1), np.int64)
