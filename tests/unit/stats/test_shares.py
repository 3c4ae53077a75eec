"""Intervals of shares and counts: numbers worked out by hand, and the formulas they replaced, bit for bit."""

import doctest
import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaincinv

from hicra import stats
from hicra.errors import ConfigError, DataError
from hicra.metrics import pass_at_k

Z = 1.959963984540054


def test_wilson_interval_by_hand():
    # 1 of 4 at z = 2 would be centre (1/4 + 4/8) / 2 = 3/8, half 2 sqrt((3/16 + 1/4) / 4) / 2 = sqrt(7)/8; z = 2 covers 0.9545
    two_sigma = 0.9544997361036416
    low, high = stats.wilson_interval(1, 4, two_sigma)
    assert (low, high) == pytest.approx(((3 - 7**0.5) / 8, (3 + 7**0.5) / 8))
    # no success among n: 0 to z^2 / (n + z^2)
    assert stats.wilson_interval(0, 10) == (0.0, pytest.approx(Z**2 / (10 + Z**2)))
    assert stats.wilson_interval(10, 10) == (pytest.approx(10 / (10 + Z**2)), 1.0)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_keeps_its_digits(pair):
    """The interval that evaluation.json of a training run has held from the start."""
    right, n = pair
    p = right / n
    centre, spread = p + Z**2 / (2 * n), Z * ((p * (1 - p) + Z**2 / (4 * n)) / n) ** 0.5
    scale = 1 + Z**2 / n
    low, high = (centre - spread) / scale, (centre + spread) / scale
    assert stats.wilson_interval(right, n) == (low if right else 0.0, high if right < n else 1.0)
    assert (low, high) == pytest.approx(stats.wilson_interval(right, n), abs=1e-12)
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


# ---- means of shares over groups like these
def test_mean_share_interval_by_hand():
    # n groups of which all are solved, beside half a group that is not: the weight of the n is Beta(n, 1/2). For n = 1 its
    # distribution is 1 - sqrt(1 - x), so the lower limit is 1 - (1 - 0.025)^2; n groups that are never solved are the mirror
    assert stats.mean_share_interval(np.array([1.0])) == pytest.approx((1 - 0.975**2, 1.0))
    assert stats.mean_share_interval(np.array([0.0])) == pytest.approx((0.0, 0.975**2))
    # of k of n groups, the weight of the k beside n - k and a half is Beta(k, n - k + 1/2)
    for k, n, confidence in ((3, 4, 0.95), (7, 60, 0.9), (199, 200, 0.99)):
        shares, tail = np.repeat([1.0, 0.0], [k, n - k]), (1 - confidence) / 2
        low, high = stats.mean_share_interval(shares, confidence)
        assert low == pytest.approx(betaincinv(k, n - k + 0.5, tail), abs=1e-7)
        assert high == pytest.approx(1 - betaincinv(n - k, k + 0.5, tail), abs=1e-7)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.125, 0.5, 0.75, 1.0]), min_size=1, max_size=20), st.randoms())
def test_mean_share_interval_holds_the_mean_mirrors_and_knows_no_order(shares, random):
    values = np.array(shares)
    low, high = stats.mean_share_interval(values)
    assert 0 <= low <= values.mean() <= high <= 1
    assert stats.mean_share_interval(1 - values) == pytest.approx((1 - high, 1 - low))
    assert stats.mean_share_interval(np.array(random.sample(shares, len(shares)))) == (low, high)
    wide = stats.mean_share_interval(values, 0.99)
    assert wide[0] <= low
    assert high <= wide[1]


def test_mean_share_interval_refuses_what_is_no_share():
    for values in ([], [0.5, 1.5], [-0.1], [np.nan]):
        with pytest.raises(DataError, match="from 0 to 1"):
            stats.mean_share_interval(np.array(values))
    with pytest.raises(ConfigError, match="confidence is 0"):
        stats.mean_share_interval(np.array([0.5]), 0)


# The chance of each question to be solved by one sample. Of the last, most are near always solved and few near never, so that
# samples of few questions often hold none of the few.
DIFFICULTIES = {
    "in between": lambda rng, n: rng.beta(2, 2, n),
    "hard": lambda rng, n: rng.beta(0.3, 3, n),
    "easy": lambda rng, n: rng.beta(8, 1, n),
    "two kinds": lambda rng, n: np.where(rng.random(n) < 0.1, 0.02, 0.97),
}


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 8])
@pytest.mark.parametrize("name", DIFFICULTIES)
def test_mean_share_interval_covers_what_it_says_near_0_and_1_too(name, k):
    draw, samples, repeats, rng = DIFFICULTIES[name], 16, 200, np.random.default_rng(11)
    table = np.array([pass_at_k(samples, right, k) for right in range(samples + 1)])
    true = (1 - (1 - draw(rng, 400_000)) ** k).mean()
    for questions in (3, 10, 50):
        found = [stats.mean_share_interval(table[rng.binomial(samples, draw(rng, questions))]) for _ in range(repeats)]
        covered = sum(low <= true <= high for low, high in found)
        assert covered >= 180  # of 200 at 0.95: fewer than 180 have a chance of 0.002
        assert any(high - low < 1 for low, high in found)
