"""Coverage of a state space, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hicra.errors import DataError
from hicra.related.classic.oparl.coverage import coverage


def test_coverage_by_hand() -> None:
    states = np.array([[0.0, 0.0], [0.4, 0.0], [0.6, 0.9], [5.0, -3.0]])  # the last one counts in the cell at the edge
    assert coverage(states, np.zeros(2), np.ones(2), cells=2) == 3 / 4
    assert coverage(states, np.zeros(2), np.ones(2), cells=5) == 4 / 25
    line = np.linspace(0, 1, 101)[:, None]
    assert coverage(line, np.zeros(1), np.ones(1), cells=20) == 1


@pytest.mark.parametrize(
    ("states", "low", "high"),
    [
        (np.zeros(3), np.zeros(1), np.ones(1)),
        (np.zeros((3, 2)), np.zeros(1), np.ones(1)),
        (np.full((3, 1), np.inf), np.zeros(1), np.ones(1)),
        (np.zeros((3, 1)), np.zeros(1), np.zeros(1)),
        (np.zeros((3, 4)), np.zeros(4), np.ones(4)),
    ],
)
def test_what_cannot_be_is_refused(states, low, high) -> None:
    with pytest.raises(DataError):
        coverage(states, low, high)
