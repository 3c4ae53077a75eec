"""The line through a curve, the places where it bends, and the difference of two parts: by hand, and on planted changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.errors import ConfigError, DataError
from hicra.stats import change_points, trend, welch_interval
from hicra.stats.trend import effective_size, neighbours


def wandering(seed: int, n: int, correlation: float, spread: float) -> np.ndarray:
    """[n] noise of a first-order autoregression."""
    noise = np.random.default_rng(seed).normal(0, spread, n)
    for i in range(1, n):
        noise[i] = correlation * noise[i - 1] + np.sqrt(1 - correlation**2) * noise[i]
    return noise


# ---- the line
def test_trend_by_hand() -> None:
    # x - mean = -2.5 ... 2.5, sum of squares 17.5; sum of (x - mean) y = -1.5 + 0.5 + 2.5 = 1.5; slope 1.5 / 17.5 = 0.0857143
    # over 5 steps: 0.4285714. Residual sum of squares 1.5 - 1.5^2 / 17.5 = 1.3714286; the residuals alternate, so that their
    # correlation is 0 after the clip. Standard error of the slope sqrt(1.3714286 / 4 / 17.5) = 0.1399708; t(4) = 2.7764451
    # half width 2.7764451 * 0.1399708 * 5 = 1.9431068
    found = trend(np.arange(1, 7), np.array([0, 1, 0, 1, 0, 1]))
    assert found.change == pytest.approx(0.4285714)
    assert (found.start, found.end) == pytest.approx((0.5 - 0.2142857, 0.5 + 0.2142857))
    assert (found.low, found.high) == pytest.approx((0.4285714 - 1.9431068, 0.4285714 + 1.9431068), abs=1e-6)
    assert found.correlation == 0


def test_correlation_of_neighbours_by_hand() -> None:
    # products of neighbours: 1 -1 1 -1 1 -1 1, their sum 1, over the sum of squares 8; (8 * 1/8 + 1) / (8 - 2) = 1/3
    assert neighbours(np.array([1.0, 1, -1, -1, 1, 1, -1, -1]), 1) == pytest.approx(1 / 3)
    assert effective_size(60, 1 / 3) == pytest.approx(30)  # 60 (2/3) / (4/3)
    assert neighbours(np.array([1.0, -1] * 4), 1) == 0  # negative ones count as none
    assert neighbours(np.zeros(5), 1) == 0
    assert neighbours(np.array([1.0, 1, -1, -1]), 2) == 0.95  # too few points to tell


def test_the_interval_of_a_trend_covers_what_it_says() -> None:
    held = [
        (found := trend(np.arange(60), 0.1 * np.arange(60) + wandering(seed, 60, 0.6, 1))).low <= 5.9 <= found.high
        for seed in range(300)
    ]
    assert 0.9 <= np.mean(held) <= 0.99


def test_bad_curves_are_named() -> None:
    with pytest.raises(DataError, match="5 points"):
        trend(range(5), range(5))
    with pytest.raises(DataError, match="not finite"):
        trend(range(6), [0, 1, 2, 3, 4, np.nan])
    with pytest.raises(DataError, match="do not ascend"):
        change_points([0] * 10, range(10))
    with pytest.raises(DataError, match="one shape"):
        change_points(range(10), range(11))
    with pytest.raises(ConfigError, match="confidence"):
        change_points(range(10), range(10), confidence=1.0)


# ---- two parts
def test_welch_by_hand() -> None:
    # means 2 and 7, variances 2 and 2, squared errors 1 and 1: error sqrt(2), freedom (1 + 1)^2 / (1 + 1) = 2, t(2) = 4.3026527
    low, high = welch_interval(np.array([1.0, 3.0]), np.array([6.0, 8.0]))
    assert (low, high) == pytest.approx((5 - 6.0848697, 5 + 6.0848697), abs=1e-6)


def test_alike_neighbours_tell_less() -> None:
    # 12 values of correlation 1/2 tell as much as 12 (1/2) / (3/2) = 4, so that the squared errors are those of four values:
    # variance of six 0 and six 1 is 3/11, error sqrt(2 * 3/11 / 4) = 0.3692745, freedom 6, t(6) = 2.4469119
    half = np.tile([0.0, 1.0], 6)
    low, high = welch_interval(half, half + 1, correlation=0.5)
    assert (low, high) == pytest.approx((1 - 0.9035820, 1 + 0.9035820), abs=1e-6)
    assert welch_interval(half, half + 1)[0] > low
    assert welch_interval(half[:2], half + 1, correlation=0.9)[0] < low  # a part never has more values than it has


def test_one_value_tells_nothing_and_equal_ones_everything() -> None:
    assert welch_interval(np.array([1.0]), np.array([2.0, 3.0])) == (-np.inf, np.inf)
    assert welch_interval(np.ones(3), np.full(3, 2.0)) == (1.0, 1.0)


# ---- bends
def test_a_bend_without_noise_is_found_exactly() -> None:
    found = change_points(range(0, 80, 2), [max(0, 30 - step) for step in range(0, 80, 2)])
    assert [(bend.at, bend.low, bend.high) for bend in found.bends] == [(30, 30, 30)]
    first, last = found.pieces
    assert (first.start, first.stop, last.start, last.stop) == (0, 30, 30, 78)
    assert (first.slope, last.slope, found.whole.change) == pytest.approx((-1, 0, -30), abs=1e-9)


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_a_planted_change_at_step_30_is_found(correlation: float) -> None:
    steps = np.arange(1, 81)
    for seed in range(5):
        found = change_points(steps, 3 - np.minimum(steps, 30) / 15 + wandering(seed, 80, correlation, 0.15))
        assert len(found.bends) == 1
        (bend,), (before, after) = found.bends, found.pieces
        assert bend.low <= 30 <= bend.high
        assert bend.high - bend.low < 30
        assert before.high < 0  # it surely falls
        assert after.low <= 0 <= after.high or abs(after.change) < 0.3


def test_two_changes_and_a_jump() -> None:
    steps = np.arange(100)
    hat = np.interp(steps, [0, 30, 60, 99], [0, 3, 0, 0]) + wandering(1, 100, 0.3, 0.1)
    found = change_points(steps, hat)
    assert [round(bend.at / 10) for bend in found.bends] == [3, 6]
    jump = change_points(steps, (steps >= 50) * 1.0 + wandering(2, 100, 0.0, 0.05))
    assert len(jump.bends) == 2  # a jump is two bends next to each other
    assert all(40 <= bend.at <= 60 for bend in jump.bends)


def test_a_straight_line_seldom_bends() -> None:
    bends = [
        len(change_points(range(60), 0.05 * np.arange(60) + wandering(seed, 60, 0.5, 1), resamples=2).bends)
        for seed in range(60)
    ]
    assert np.mean(np.array(bends) > 0) <= 0.1


def test_a_constant_curve_is_one_piece() -> None:
    found = change_points(range(10), [2.0] * 10)
    assert found.bends == ()
    assert (found.whole.change, found.whole.low, found.whole.high) == (0, 0, 0)


def test_long_curves_are_averaged() -> None:
    steps = np.arange(1, 1001)
    found = change_points(steps, np.minimum(steps, 400) / 100 + wandering(0, 1000, 0.5, 0.3))
    assert len(found.bends) == 1
    assert found.bends[0].low <= 400 <= found.bends[0].high


@given(seed=st.integers(0, 50), scale=st.sampled_from([-7.0, 0.001, 1e6]), shift=st.sampled_from([-3.0, 0.0, 1e3]))
def test_scale_and_shift_of_the_values_move_no_bend(seed: int, scale: float, shift: float) -> None:
    steps = np.arange(30)
    values = np.interp(steps, [0, 12, 29], [0, 3, 3]) + wandering(seed, 30, 0.3, 0.3)
    one, other = (change_points(steps, of, resamples=5) for of in (values, scale * values + shift))
    assert [bend.at for bend in one.bends] == [bend.at for bend in other.bends]
    assert other.whole.change == pytest.approx(scale * one.whole.change, rel=1e-6, abs=1e-9 * abs(scale))
