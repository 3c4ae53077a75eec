"""Where the credit of an action lies, by the place of a token in its action."""

from __future__ import annotations

from typing import Any

import numpy as np

from hicra.arrays import Floats, Ints


def places_of(action_ids: Any, mask: Any) -> Ints:
    """Returns the place of each token in its action from 0, [B,T], and -1 where the policy wrote nothing.

    Args:
        action_ids: [B,T] number of the action of a token in its row.
        mask: [B,T] bool, the tokens that the policy wrote.

    >>> places_of([[0, 0, -1, 1, 1]], [[True, True, False, True, True]]).tolist()
    [[0, 1, -1, 0, 1]]
    """
    action_ids, mask = np.asarray(action_ids), np.asarray(mask, np.bool_)
    found = np.full(mask.shape, -1)
    for row, written in enumerate(mask):
        at = np.flatnonzero(written)
        begins = np.flatnonzero(np.append(True, action_ids[row, at[1:]] != action_ids[row, at[:-1]])[: len(at)])
        found[row, at] = np.arange(len(at)) - np.repeat(begins, np.diff(np.append(begins, len(at))))
    return found


def credit_by_place(advantages: Any, places: Any) -> Floats:
    """Returns the mean absolute advantage of the tokens at each place [m], NaN where no token stands.

    Args:
        advantages: [B,T].
        places: [B,T] as `places_of` gives them.

    >>> credit_by_place([[1.0, -3.0, 9.0], [2.0, 0.0, 0.0]], [[0, 1, -1], [0, -1, -1]]).tolist()
    [1.5, 3.0]
    """
    sizes, places = np.abs(np.asarray(advantages, np.float64)), np.asarray(places)
    most = int(places.max(initial=-1)) + 1
    counts = np.bincount(places[places >= 0], minlength=most)
    sums = np.bincount(places[places >= 0], sizes[places >= 0], minlength=most)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
