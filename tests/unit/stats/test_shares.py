"""Intervals of shares and counts: numbers worked out by hand, and the formulas they replaced, bit for bit."""

import doctest
import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra import stats
from hicra.errors import ConfigError, DataError

Z = 1.959963984540054


def test_wilson_interval_by_hand():
    # 1 of 4 at z = 2 would be centre (1/4 + 4/8) / 2 = 3/8, half 2 sqrt((3/16 + 1/4) / 4) / 2 = sqrt(7)/8; z = 2 covers 0.9545
    two_sigma = 0.9544997361036416
    low, high = stats.wilson_interval(1, 4, two_sigma)
    assert (low, high) == pytest.approx(((3 - 7**0.5) / 8, (3 + 7**0.5) / 8))
    # no success among n: 0 to z^2 / (n + z^2)
    assert stats.wilson_interval(0, 10) == pytest.approx((0.0, Z**2 / (10 + Z**2)), abs=1e-15)
    assert stats.wilson_interval(10, 10) == pytest.approx((10 / (10 + Z**2), 1.0))


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_keeps_its_digits(pair):
    """The interval that evaluation.json of a training run has held from the start."""
    right, n = pair
    p = right / n
    centre, spread = p + Z**2 / (2 * n), Z * ((p * (1 - p) + Z**2 / (4 * n)) / n) ** 0.5
    scale = 1 + Z**2 / n
    assert stats.wilson_interval(right, n) == ((centre - spread) / scale, (centre + spread) / scale)
    if 0 < right < n:  # with the variance of n draws both forms are one interval
        assert stats.wilson_of_share(p, p * (1 - p) / n, n, Z) == pytest.approx(stats.wilson_interval(right, n))


def test_what_is_no_share_is_refused():
    for successes, n in ((0, 0), (3, 2), (-1, 2)):
        with pytest.raises(DataError, match=f"{successes} of {n} draws"):
            stats.wilson_interval(successes, n)
    with pytest.raises(ConfigError, match="confidence is 1"):
        stats.wilson_interval(1, 2, 1)


def test_binomial_variance_by_hand():
    # two draws at 1/2: counts 0, 1, 2 with 1/4, 1/2, 1/4; of the statistic 0, 4, 4 the mean is 3 and the variance 3
    assert stats.binomial_variance(np.array([0.0, 4.0, 4.0]), 0.5) == pytest.approx(3.0)
    # of the count itself n p (1 - p)
    assert stats.binomial_variance(np.arange(11.0), 0.3) == pytest.approx(10 * 0.3 * 0.7)


def test_cluster_bootstrap_by_hand():
    # two clusters of one unit each, one positive: the share of positive units in a resample is 0, 1/2 or 1 with 1/4, 1/2, 1/4,
    # so the middle 40 % of all resamples have 1/2 and the middle 90 % reach from 0 to 1
    clusters = np.array([[1, 1], [0, 1]])

    def share(sums):
        return {"share": sums[:, 0] / sums[:, 1]}

    assert stats.cluster_bootstrap(clusters, share, 4000, 0, 0.4) == {"share": (0.5, 0.5)}
    assert stats.cluster_bootstrap(clusters, share, 4000, 0, 0.9) == {"share": (0.0, 1.0)}
    # whole clusters are drawn: what never varies between them has no width, however many units they hold
    even = np.array([[50, 100]] * 3)
    assert stats.cluster_bootstrap(even, share, 100, 0, 0.95) == {"share": (0.5, 0.5)}


@pytest.mark.parametrize("name", ["wilson", "binomial"])
def test_doctests(name):
    found = doctest.testmod(importlib.import_module(f"hicra.stats.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
