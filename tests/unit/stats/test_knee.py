"""Two lines that meet at a knee, on curves whose knee is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra import stats


def test_an_exact_knee():
    # 0, 2, 4, 6, 8 and then 8.5, 9, 9.5, 10: the lines meet at x = 14, y = 8, with slopes 2 and 1/2
    x = np.arange(10, 19)
    y = np.array([0, 2, 4, 6, 8, 8.5, 9, 9.5, 10])
    found = stats.fit_knee(x, y)
    assert (found.at, found.low, found.high, found.better) == (14, 14, 14, True)
    assert (found.value, found.before, found.after) == pytest.approx((8, 2, 0.5))


@given(st.integers(4, 15), st.floats(0.1, 5), st.floats(-5, 0))
def test_every_planted_knee_is_found(knee, before, after):
    x = np.arange(20.0)
    found = stats.fit_knee(x, 3 + before * np.minimum(x - knee, 0) + after * np.maximum(x - knee, 0))
    assert found.at == knee
    assert (found.value, found.before, found.after) == pytest.approx((3, before, after), abs=1e-9)


def test_the_range_is_where_the_knee_may_be():
    # with noise of 0.05 round slopes of 0.1 and 0 the range holds the knee in nearly all of 100 draws
    x = np.arange(30.0)
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        found = stats.fit_knee(x, 0.1 * np.minimum(x, 12) + rng.normal(0, 0.05, 30))
        assert found.low <= found.at <= found.high
        assert found.better
        held += found.low <= 12 <= found.high
    assert held >= 90


def test_a_line_has_no_knee():
    x = np.arange(12.0)
    assert stats.fit_knee(x, 2 * x).better is False
    assert stats.fit_knee(x, np.full(12, 0.1)).better is False
    rng = np.random.default_rng(1)
    false = sum(stats.fit_knee(np.arange(30.0), rng.normal(size=30)).better for _ in range(200))
    assert false <= 20  # of 200


def test_what_cannot_be_fitted():
    assert stats.fit_knee(np.arange(6), np.arange(6)) is None
    with pytest.raises(ValueError, match="ascending"):
        stats.fit_knee([1, 1, 2], [0, 0, 0])
    with pytest.raises(ValueError, match="ascending"):
        stats.fit_knee([1, 2], [0])
