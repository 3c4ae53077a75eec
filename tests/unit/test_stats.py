"""Paired comparison: hand-worked numbers and honest verdicts."""

import numpy as np
import pytest

from hicra import stats


def test_by_hand():
    # differences 1, 2, 3: mean 2, sd 1, t(0.975, 2) = 4.3027, half width 4.3027 / sqrt(3) = 2.4841
    found = stats.paired_comparison([2, 4, 6], [1, 2, 3])
    assert found.difference == 2
    assert (found.low, found.high) == pytest.approx((2 - 2.4841, 2 + 2.4841), abs=1e-3)
    assert found.p_value == 0.25  # 2 of 8 sign flips reach the sum
    assert found.prob_improvement == pytest.approx(7.5 / 9)  # 2 beats 1 and ties 2, 4 and 6 beat all three
    assert found.verdict == "inconclusive"


def test_verdicts_need_six_seeds():
    rng = np.random.default_rng(0)
    base = rng.normal(size=8)
    assert stats.paired_comparison(base[:5] + 50, base[:5]).verdict == "inconclusive"
    assert stats.paired_comparison(base + 5 + rng.normal(size=8) * 0.1, base).verdict == "better"
    assert stats.paired_comparison(base - 5 + rng.normal(size=8) * 0.1, base).verdict == "worse"
    assert stats.paired_comparison(base, base).verdict == "inconclusive"


def test_one_pair_has_no_interval():
    found = stats.paired_comparison([0.9], [0.1])
    assert found.low == -np.inf
    assert found.high == np.inf
    assert found.verdict == "inconclusive"


def test_bad_input():
    for a, b in (([1, 2], [1]), ([], []), ([np.nan], [1])):
        with pytest.raises(ValueError, match="shape|finite"):
            stats.paired_comparison(a, b)


def test_interval_covers_at_its_level():
    rng = np.random.default_rng(1)
    held = [
        (f := stats.paired_comparison(rng.normal(size=8), rng.normal(size=8))).low <= 0 <= f.high for _ in range(1000)
    ]
    assert 0.93 <= np.mean(held) <= 0.97
