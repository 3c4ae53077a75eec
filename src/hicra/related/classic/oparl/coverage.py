"""How much of a bounded state space was visited: the share of the cells of an even grid."""

from __future__ import annotations

import numpy as np

from hicra.arrays import Array
from hicra.errors import DataError

MOST_DIMENSIONS = 3  # a grid of more has too many cells to visit


def coverage(states: Array, low: Array, high: Array, cells: int = 20) -> float:
    """Computes the share of the grid's cells that hold a state.

    Args:
        states: [N,D], D at most 3; those outside of the bounds count in the cells at the edge.
        low, high: [D] bounds.
        cells: of each dimension.

    Raises:
        DataError: shapes do not fit, a state is not finite, or a bound is not above the other.

    >>> coverage(np.array([[0.1, 0.1], [0.2, 0.1], [0.9, 0.9]]), np.zeros(2), np.ones(2), cells=2)
    0.5
    """
    if (
        np.ndim(states) != 2
        or np.shape(low) != (states.shape[1],)
        or np.shape(high) != np.shape(low)
        or len(low) > MOST_DIMENSIONS
    ):
        raise DataError(
            f"coverage of states {np.shape(states)} in bounds {np.shape(low)}", "give [N,D] and [D], D up to 3"
        )
    if not np.isfinite(states).all() or not (np.asarray(high) > np.asarray(low)).all():
        raise DataError(
            "a state is not finite, or a bound is not above the other", "give finite states and real bounds"
        )
    at = np.clip(((states - low) / (np.asarray(high) - low) * cells).astype(int), 0, cells - 1)
    return float(len(np.unique(at, axis=0)) / cells ** len(low))
