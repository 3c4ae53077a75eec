"""The interval of a mean over warm starts and seeds: by hand where it is Student's, its laws, and what it covers."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intervals import chance_below, clustered_mean, mixture_of, percentile_interval

from hicra.errors import DataError
from paths import ROOT

DIFFERENCES = st.lists(st.floats(-1, 1), min_size=6, max_size=6)
TWO_EACH = [0, 0, 1, 1, 2, 2]


def test_with_one_pair_a_warm_start_it_is_students_interval():
    # mean 3, squares 4 + 1 + 0 + 9 = 14, sd sqrt(14 / 3), t(3) at .975 is 3.18245
    half = 3.182446 * math.sqrt(14 / 3) / math.sqrt(4)
    found = clustered_mean(np.array([1.0, 2.0, 3.0, 6.0]), [0, 1, 2, 3])
    assert (found.mean, found.n, found.clusters) == (pytest.approx(3.0), 4, 4)
    assert (found.low, found.high) == (pytest.approx(3 - half, abs=1e-5), pytest.approx(3 + half, abs=1e-5))
    assert (found.within, found.between) == (None, None)
    assert found.error == pytest.approx(math.sqrt(14 / 3) / 2, abs=1e-6)


def test_it_is_the_posterior_summed_over_all_three_unknowns():
    """A plain sum over ratio, sigma and mu, without any of the algebra, puts 2.5 % below the lower limit and above the upper."""
    data = np.array([[0.1, 0.3, 0.2], [0.0, 0.5, 0.4]])
    found = clustered_mean(data.ravel(), [0, 0, 0, 1, 1, 1])
    means, rest = data.mean(axis=1), ((data - data.mean(axis=1)[:, None]) ** 2).sum()  # rest = .02 + .14
    mu, sigma = np.linspace(-9, 9, 6001)[:, None], np.geomspace(0.02, 6, 400)[None, :]
    density = np.zeros(6001)
    for ratio in np.geomspace(0.02, 60.0, 60):
        spread = sigma**2 * (1 / 3 + ratio**2)  # of a mean of three
        fit = -((means[0] - mu) ** 2 + (means[1] - mu) ** 2) / (2 * spread) - np.log(spread)
        fit = fit - 4 * np.log(sigma) - rest / (2 * sigma**2)
        density += np.exp(fit).sum(axis=1) * ratio / (1 + (ratio / 0.4) ** 2)
    share = np.cumsum(density) / density.sum()
    for limit, chance in ((found.low, 0.025), (found.high, 0.975)):
        assert np.interp(limit, mu[:, 0], share) == pytest.approx(chance, abs=0.004)


def test_spreads_by_hand():
    # means 1, 3; squares inside 2 + 2 = 4 over 2 degrees: within sqrt 2. Between: 2 x (1 + 1) / 1 = 4, (4 - 2) / 2 = 1.
    found = clustered_mean(np.array([0.0, 2.0, 2.0, 4.0]), ["a", "a", "b", "b"])
    assert (found.within, found.between) == (pytest.approx(math.sqrt(2)), pytest.approx(1.0))
    assert found.mean == pytest.approx(2.0)


def test_warm_starts_that_differ_make_it_wider():
    """The same spread inside warm starts, and means that lie apart more and more."""
    inside = np.tile([-0.1, 0.0, 0.1], 4)
    apart = np.repeat([-1.0, -0.5, 0.5, 1.0], 3)
    found = [clustered_mean(inside + factor * apart, np.repeat(range(4), 3).tolist()) for factor in (0.0, 0.05, 0.2)]
    widths = [one.high - one.low for one in found]
    assert widths == sorted(widths)
    assert widths[2] > 2 * widths[0]
    assert [one.within for one in found] == pytest.approx([0.1, 0.1, 0.1])


@given(DIFFERENCES)
def test_p_is_below_a_twentieth_exactly_where_the_interval_leaves_out_zero(values):
    data = np.array(values)
    if np.ptp(data) < 1e-6:
        return
    found = clustered_mean(data, TWO_EACH)
    outside = found.low > 0 or found.high < 0
    assert (found.p < 0.05) == outside or abs(found.p - 0.05) < 1e-6
    assert found.low < found.mean < found.high


@given(DIFFERENCES, st.floats(-2, 2), st.floats(0.1, 10))
def test_it_moves_and_stretches_with_the_differences(values, shift, factor):
    data = np.array(values)
    if np.ptp(data) < 1e-3:
        return
    plain, moved = clustered_mean(data, TWO_EACH), clustered_mean(factor * data + shift, TWO_EACH)
    for name in ("mean", "low", "high"):
        assert getattr(moved, name) == pytest.approx(factor * getattr(plain, name) + shift, abs=1e-5)


def test_equal_differences_leave_nothing_to_estimate():
    found = clustered_mean(np.full(4, 0.25), [0, 0, 1, 1])
    assert (found.low, found.high, found.p) == (0.25, 0.25, 0.0)
    assert clustered_mean(np.zeros(4), [0, 0, 1, 1]).p == 1.0


@pytest.mark.parametrize(
    ("values", "warm", "told"),
    [
        ([0.1, 0.2], [0, 1], "2 pairs from 2 warm starts"),
        ([0.1, 0.2, 0.3], [0, 0, 0], "3 pairs from 1 warm starts"),
        ([0.1, math.nan, 0.3], [0, 1, 1], "not finite"),
        ([0.1, 0.2, 0.3], [0, 1], "3,"),
    ],
)
def test_what_has_no_interval_is_refused(values, warm, told):
    with pytest.raises(DataError, match=told):
        clustered_mean(np.array(values), warm)


@pytest.mark.slow
def test_it_covers_what_it_says_with_four_warm_starts():
    """2,000 experiments of 4 x 6 with a spread of half, where .953 was found; 3 standard errors of 2,000 are .015."""
    rng = np.random.default_rng(3)
    data = rng.normal(0, 0.5, (2000, 4, 1)) + rng.normal(0, 1, (2000, 4, 6))
    means = data.mean(axis=2)
    rest = ((data - means[:, :, None]) ** 2).sum(axis=(1, 2))
    below = chance_below(mixture_of(means, np.full(4, 6.0), rest), np.zeros(2000))
    assert 0.938 <= (np.abs(below - 0.5) <= 0.475).mean() <= 0.968


def test_the_bootstrap_of_two_warm_starts_without_spread_inside():
    # each place takes warm start a (all 0) or b (all 1): the mean is 0, 1/2 or 1, with chances 1/4, 1/2, 1/4
    assert percentile_interval(np.array([0.0, 0.0, 1.0, 1.0]), ["a", "a", "b", "b"]) == (0.0, 1.0)


def test_the_stored_simulation_says_what_the_script_says_of_it():
    stored = json.loads((ROOT / "studies/hierarchy/coverage.json").read_text(encoding="utf-8"))
    rows = {
        (row["warm_starts"], row["pairs_each"], row["tau"]): row["methods"]
        for row in stored["rows"] if row["noise"] == "normal" and row["tau"] <= 0.05
    }  # fmt: skip
    four = [methods for (starts, seeds, _), methods in rows.items() if (starts, seeds) == (4, 6)]
    assert min(one["prior on the ratio"]["coverage"] for one in four) >= 0.94
    assert min(one["pooled t"]["coverage"] for one in four) < 0.85
    assert four[-1]["prior on the ratio"]["half_width"] < 0.85 * four[-1]["few-cluster t"]["half_width"]
    assert rows[24, 1, 0.05]["few-cluster t"]["half_width"] < min(
        one["prior on the ratio"]["half_width"] for one in four
    )
