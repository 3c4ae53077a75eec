"""The jackknife interval: by hand, its correction for pairs against what is true of pairs, laws, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra.errors import ConfigError, DataError
from hicra.stats import jackknife_interval, left_out, t_interval


def pair_mean(table: np.ndarray, units: tuple[int, ...]) -> float:
    """The mean of a table over pairs of different units."""
    return float(np.mean([table[i, j] for i, j in itertools.permutations(units, 2)]))


def of_pairs(table: np.ndarray, corrected: bool) -> tuple[float, float]:
    """The interval of a mean over pairs, from the statistic without one unit and without two, each by a loop."""
    n = len(table)
    units = set(range(n))
    one = [pair_mean(table, tuple(units - {i})) for i in range(n)]
    two = [pair_mean(table, tuple(units - {i, j})) for i, j in itertools.combinations(range(n), 2)]
    return jackknife_interval(
        pair_mean(table, tuple(units)), np.array(one), without_two=np.array(two) if corrected else None
    )


def test_a_mean_by_hand() -> None:
    # values 1, 2, 6: mean 3; without one each 4, 3.5, 1.5; the mean of those 3; s^2 = 2/3 (1 + 1/4 + 9/4) = 7/3
    # which is the variance 7 of the values over 3; t(2) = 4.30265
    low, high = jackknife_interval(3.0, np.array([4, 3.5, 1.5]))
    assert (low, high) == pytest.approx((3 - 4.30265 * np.sqrt(7 / 3), 3 + 4.30265 * np.sqrt(7 / 3)), abs=1e-4)
    assert (low, high) == pytest.approx(t_interval(np.array([1.0, 2, 6])))


def test_left_out_by_hand() -> None:
    one, two = left_out(3)
    assert one.tolist() == [[False, True, True], [True, False, True], [True, True, False]]
    assert two.tolist() == [[False, False, True], [False, True, False], [True, False, False]]
    assert left_out(5)[1].shape == (10, 5)
    assert (left_out(5)[1].sum(axis=1) == 3).all()


def test_the_correction_by_hand() -> None:
    # Four units, and a table of pairs that has no effect of a single unit: 1 at (0,1) and (2,3), -1 at (0,2) and (1,3), else 0.
    # Mean 0. Without unit 0: (h12 + h13 + h23)/3 = (0 - 1 + 1)/3 = 0, and so for the others: the plain jackknife sees nothing.
    # The remainders are the table itself: d = (1 + 1 + 1 + 1) / (4 * 1 / 2) = 2, and theta's variance is 2 d / (4 * 3) = 1/3.
    table = np.zeros((4, 4))
    for i, j, value in ((0, 1, 1.0), (2, 3, 1.0), (0, 2, -1.0), (1, 3, -1.0)):
        table[i, j] = table[j, i] = value
    assert of_pairs(table, corrected=False) == (0, 0)
    half = 3.18245 * np.sqrt(1 / 3)  # t(3)
    assert of_pairs(table, corrected=True) == pytest.approx((-half, half), abs=1e-4)


def test_effects_of_single_units_are_left_as_they_are() -> None:
    # h_ij = a_i + a_j has no part over pairs: the mean over pairs is twice the mean of a, and its interval twice that of a mean.
    a = np.array([1.0, 2, 6, -1, 0.5])
    low, high = of_pairs(a[:, None] + a[None, :], corrected=True)
    assert (low, high) == pytest.approx(tuple(2 * limit for limit in t_interval(a)))
    assert (low, high) == pytest.approx(of_pairs(a[:, None] + a[None, :], corrected=False))


def test_the_correction_takes_most_of_what_the_plain_variance_counts_twice() -> None:
    # Inner products of directions without an expectation: theta's variance is 2 d / (N(N-1)) with d = D = 50 for normal numbers.
    # The plain jackknife expects 4 d / (N(N-2)), 2 (N-1)/(N-2) times as much: 2.33 times for N = 8.
    rng, n, width = np.random.default_rng(0), 8, 50
    t7 = 2.364624
    variances = []
    for _ in range(400):
        rows = rng.normal(size=(n, width))
        table = rows @ rows.T
        variances.append([((of_pairs(table, corrected)[1] - pair_mean(table, tuple(range(n)))) / t7) ** 2
                          for corrected in (False, True)])  # fmt: skip
    plain, corrected = np.mean(variances, axis=0) / (2 * width / (n * (n - 1)))
    assert plain == pytest.approx(2 * (n - 1) / (n - 2), abs=0.2)
    # What is subtracted is unbiased; but at least the part over pairs stays, which adds the rest.
    assert 1 < corrected < 0.75 * plain


@given(seed=st.integers(0, 2**32), n=st.integers(4, 8), scale=st.floats(0.01, 100), shift=st.floats(-50, 50))
@settings(deadline=None, max_examples=40)
def test_order_scale_and_shift(seed: int, n: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 3))
    table = rows @ rows.T
    order = rng.permutation(n)
    for corrected in (False, True):
        low, high = of_pairs(table, corrected)
        assert low <= pair_mean(table, tuple(range(n))) <= high
        assert of_pairs(table[np.ix_(order, order)], corrected) == pytest.approx((low, high))
        moved = of_pairs(scale * table + shift, corrected)
        assert moved == pytest.approx((scale * low + shift, scale * high + shift), rel=1e-6, abs=1e-6)


def test_a_higher_confidence_is_wider() -> None:
    values = np.array([4, 3.5, 1.5])
    narrow, wide = (jackknife_interval(3.0, values, confidence) for confidence in (0.5, 0.99))
    assert wide[0] < narrow[0] < 3 < narrow[1] < wide[1]


def test_bad_input_is_named() -> None:
    with pytest.raises(DataError, match="1 unit"):
        jackknife_interval(1.0, np.array([1.0]))
    with pytest.raises(ConfigError, match="confidence"):
        jackknife_interval(1.0, np.array([1.0, 2.0]), confidence=95)
    with pytest.raises(DataError, match="3 statistics without two of 4 units"):
        jackknife_interval(1.0, np.ones(4), without_two=np.ones(3))


def test_lists_are_taken_and_what_is_no_number_is_refused() -> None:
    assert jackknife_interval(3, [4, 3.5, 1.5]) == jackknife_interval(3.0, np.array([4, 3.5, 1.5]))  # type: ignore[arg-type]
    two = [0.0, 1, 2, 3, 4, 6]
    assert jackknife_interval(1.0, [1, 2, 3, 5], 0.9, two) == jackknife_interval(
        1.0, np.array([1.0, 2, 3, 5]), 0.9, np.array(two)
    )
    for whole, one, two_left in (
        (1.0, [1.0, np.nan, 2], None), (np.inf, [1.0, 2, 3], None), (1.0, [1.0, 2, 3, 4], [1.0, 2, 3, 4, 5, np.nan]),
    ):  # fmt: skip
        with pytest.raises(DataError, match="is not finite"):
            jackknife_interval(whole, one, without_two=two_left)
    with pytest.raises(DataError, match="no real numbers"):
        jackknife_interval(1.0, ["a", "b"])
    with pytest.raises(DataError, match="shape"):
        jackknife_interval(1.0, [[1.0, 2.0]])
