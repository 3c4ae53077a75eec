"""Agreement of two judges, rank correlation, and the interval of a share of grouped draws, against numbers worked out by hand."""

import doctest
import importlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from hicra import stats

CLASSES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=30)
NUMBERS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=12)
GROUPS = st.lists(st.integers(1, 8).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=9)


@pytest.mark.parametrize("name", ["kappa", "rank", "grouped_share"])
def test_doctests(name):
    assert doctest.testmod(importlib.import_module(f"hicra.stats.{name}")).failed == 0


# ---- two judges
def test_kappa_of_a_table_by_hand():
    # 50 items: both yes 20, first yes and second no 5, first no and second yes 10, both no 15.
    # o = 35/50 = 0.7; the first says yes 25/50, the second 30/50: e = 0.5 * 0.6 + 0.5 * 0.4 = 0.5; kappa = 0.2 / 0.5 = 0.4
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert stats.raw_agreement(first, second) == 0.7
    assert stats.cohen_kappa(first, second) == pytest.approx(0.4)


def test_kappa_of_three_classes_by_hand():
    # the judges agree on items 1, 2, 4 and 6: o = 4/6; a is named 3 and 3 times, b 2 and 1, c 1 and 2:
    # e = (3*3 + 2*1 + 1*2) / 36 = 13/36; kappa = (24 - 13) / (36 - 13) = 11/23
    assert stats.cohen_kappa("aaabbc", "aacbac") == pytest.approx(11 / 23)


def test_kappa_where_it_is_not_defined():
    assert stats.cohen_kappa([], []) is None
    assert stats.raw_agreement([], []) is None
    assert stats.cohen_kappa("aaa", "aaa") is None  # chance alone gives full agreement
    assert stats.cohen_kappa("aab", "aaa") == 0.0
    with pytest.raises(ValueError, match="2 classes and the other 1"):
        stats.cohen_kappa("ab", "a")


@given(CLASSES)
def test_kappa_is_symmetric_and_at_most_one(pairs):
    first, second = zip(*pairs, strict=True)
    kappa = stats.cohen_kappa(first, second)
    back = stats.cohen_kappa(second, first)
    assert (kappa is None) == (back is None)
    if kappa is not None:
        assert kappa == pytest.approx(back)
        assert -1 <= kappa <= 1
        assert (kappa == 1) == (first == second)


# ---- ranks
def test_ranks_by_hand():
    assert stats.average_ranks(np.array([3, 1, 3, 2])).tolist() == [3.5, 1.0, 3.5, 2.0]
    # without ties rho = 1 - 6 sum(d^2) / (n (n^2 - 1)); d = 1, 1, 0, 0: 1 - 12/60 = 0.8
    assert stats.rank_correlation([1, 2, 3, 4], [20, 10, 30, 40]) == pytest.approx(0.8)
    assert stats.rank_correlation([1, 2, 3], [9, 5, 2]) == pytest.approx(-1)
    assert stats.rank_correlation([1, 1, 1], [1, 2, 3]) is None
    assert stats.rank_correlation([1], [1]) is None
    with pytest.raises(ValueError, match="3 values and the other 2"):
        stats.rank_correlation([1, 2, 3], [1, 2])


@given(NUMBERS)
def test_rank_correlation_equals_scipys(pairs):
    first, second = (np.array(values) for values in zip(*pairs, strict=True))
    found = stats.rank_correlation(first, second)
    if found is None:
        assert len(set(first)) == 1 or len(set(second)) == 1
    else:
        assert found == pytest.approx(scipy_stats.spearmanr(first, second).statistic)


# ---- shares of grouped draws
def test_grouped_share_by_hand():
    # Groups 4 of 4 and 0 of 4: s = 1/2, sum (part - s whole)^2 = 2^2 + 2^2 = 8, variance = 8 * 2/1 / 64 = 1/4, so the eight
    # draws count as s (1 - s) / variance = 1. Wilson with n = 1 and z^2 = 3.8415:
    # half width = z sqrt(1/4 + z^2 / 4) / (1 + z^2) = 1.96 * sqrt(1.2104) / 4.8415 = 0.4454
    low, high = stats.grouped_share_interval([4, 0], [4, 4])
    assert (low, high) == pytest.approx((0.5 - 0.4454, 0.5 + 0.4454), abs=1e-4)


def test_groups_that_say_the_same_count_once_each():
    # both groups are all right: 2 draws, Wilson's low end for 2 of 2 is 1 / (1 + z^2 / 2) = 0.3424
    assert stats.grouped_share_interval([5, 9], [5, 9]) == pytest.approx((0.3424, 1.0), abs=1e-4)


@pytest.mark.parametrize(("part", "whole"), [([], []), ([2], [1]), ([-1], [1]), ([0], [0])])
def test_shares_that_cannot_be(part, whole):
    with pytest.raises(ValueError, match="outside 0"):
        stats.grouped_share_interval(part, whole)


@given(GROUPS)
def test_the_interval_holds_the_share(groups):
    part, whole = zip(*groups, strict=True)
    low, high = stats.grouped_share_interval(part, whole)
    assert 0 <= low <= sum(part) / sum(whole) <= high <= 1
    assert not math.isnan(low + high)


def test_the_change_of_a_share_is_as_certain_as_the_two_shares():
    low, high = stats.share_change_interval((0.5, 0.5, 0.5), (0.8, 0.7, 0.9))
    assert (low, high) == pytest.approx((0.2, 0.4))
