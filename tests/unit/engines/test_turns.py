"""Which responses ended before they were done."""

from typing import Any

import numpy as np
import pytest

from hicra.engines.turns import truncated

IDS = np.array([[5, 9], [5, 8], [9, 5], [9, 0]])
LIVE = np.array([[True, True], [True, True], [True, True], [False, False]])


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (9, [False, True, True, True]),
        ((9, 8), [False, False, True, True]),
        ((), [True, True, True, True]),
        (None, [True, True, True, True]),
    ],
)
def test_a_response_that_ends_with_none_of_them_is_truncated(end: Any, expected: list[bool]) -> None:
    assert truncated(IDS, LIVE, end).tolist() == expected
