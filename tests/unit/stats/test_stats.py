"""Statistics: every formula against numbers worked out by hand, or against scipy's slower way."""

import doctest
import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from hicra import stats

signflip = importlib.import_module("hicra.stats.signflip")
FINITE = st.floats(-1e3, 1e3).map(lambda x: round(x, 3))
PAIRS = st.integers(1, 9).flatmap(lambda n: st.tuples(*[st.lists(FINITE, min_size=n, max_size=n)] * 2))


# ---- the paired comparison
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


def test_rounding_is_no_difference():
    # 0.1 + 0.2 is the next number above 0.3, and a sum in another order may be a digit away
    treatment, baseline = np.full(8, 0.3), np.full(8, 0.1 + 0.2)
    assert (treatment != baseline).all()
    found = stats.paired_comparison(treatment, baseline)
    assert (found.difference, found.low, found.high) == (0, 0, 0)
    assert (found.p_value, found.prob_improvement, found.verdict) == (1, 0.5, "inconclusive")
    shuffled = [np.array(order) * 1e6 for order in ([0.1, 0.2, 0.3], [0.3, 0.2, 0.1])]
    sums = [np.array([each.sum() / 3 + seed for seed in range(6)]) for each in shuffled]
    assert stats.paired_comparison(*sums).verdict == "inconclusive"


def test_small_differences_of_small_numbers_count():
    # what counts as rounding is relative: 1e-12 of values near 1 is none, of values near 1e-12 it is everything
    assert stats.paired_comparison(np.arange(6) * 1e-15 + 2e-12, np.arange(6) * 1e-15 + 1e-12).verdict == "better"
    found = stats.paired_comparison([1 + 1e-9] * 6, [1.0] * 6)
    assert (found.verdict, found.prob_improvement) == ("better", 1)


def test_one_pair_has_no_interval():
    found = stats.paired_comparison([0.9], [0.1])
    assert found.low == -np.inf
    assert found.high == np.inf
    assert found.verdict == "inconclusive"


def test_bad_input():
    for a, b in (([1, 2], [1]), ([], []), ([np.nan], [1]), ([[1, 2]], [[1, 2]]), ([np.inf], [1])):
        with pytest.raises(ValueError, match="shape|finite"):
            stats.paired_comparison(a, b)
    for confidence in (0, 1, 95):
        with pytest.raises(ValueError, match=r"\(0, 1\)"):
            stats.paired_comparison([1, 2], [1, 3], confidence=confidence)


def test_interval_covers_at_its_level():
    rng = np.random.default_rng(1)
    held = [
        (f := stats.paired_comparison(rng.normal(size=8), rng.normal(size=8))).low <= 0 <= f.high for _ in range(1000)
    ]
    assert 0.93 <= np.mean(held) <= 0.97


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.integers(-50, 50), st.randoms())
def test_shift_mirror_and_order(pair, shift, random):
    a, b = (np.array(values) for values in pair)
    one, mirror = stats.paired_comparison(a, b), stats.paired_comparison(b, a)
    assert mirror.difference == pytest.approx(-one.difference)
    assert (mirror.low, mirror.high) == pytest.approx((-one.high, -one.low))
    assert mirror.p_value == one.p_value
    assert mirror.prob_improvement == pytest.approx(1 - one.prob_improvement)
    assert {one.verdict, mirror.verdict} in ({"inconclusive"}, {"better", "worse"})
    moved = stats.paired_comparison(a + shift, b)
    assert moved.difference == pytest.approx(one.difference + shift)
    order = list(range(len(a)))
    random.shuffle(order)
    again = stats.paired_comparison(a[order], b[order])
    assert again.p_value == one.p_value
    assert (again.low, again.high) == pytest.approx((one.low, one.high))
    both = stats.paired_comparison(a + 7, b + 7)  # a constant on both arms changes nothing
    assert (both.difference, both.low) == pytest.approx((one.difference, one.low), abs=1e-9)


# ---- sign flips
def test_sign_flips_by_hand():
    # four signs: |sum| is 4 twice, 2 eight times, 0 six times; 1 + 1 + 1 - 1 = 2, so 10 of 16
    assert stats.sign_flip_p(np.array([1.0, 1, 1, -1])) == 10 / 16
    assert stats.sign_flip_p(np.zeros(7)) == 1
    assert stats.sign_flip_p(np.full(6, 0.1)) == stats.least_p(6) == 2 / 64
    assert stats.least_p(5) > 0.05 > stats.least_p(6)


def test_sign_flips_are_scipys_permutation_test():
    rng = np.random.default_rng(2)
    for n in (3, 7, 11):
        d = rng.normal(0.5, 1, n)
        other = scipy_stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf)
        assert stats.sign_flip_p(d) == pytest.approx(other.pvalue)


def test_equal_sums_in_another_order_are_not_smaller():
    d = np.array([0.1, 0.2, 0.3, -0.1, -0.2, 0.7])
    assert len({stats.sign_flip_p(d[np.random.default_rng(i).permutation(6)]) for i in range(20)}) == 1


def test_drawn_flips_agree_with_all_flips(monkeypatch):
    rng = np.random.default_rng(3)
    cases = [rng.normal(0.4, 1, n) for n in (9, 12, 17, 20)]
    exact = [stats.sign_flip_p(d) for d in cases]
    monkeypatch.setattr(signflip, "EXACT_UP_TO", 0)
    for d, p in zip(cases, exact, strict=True):
        assert stats.sign_flip_p(d, seed=4) == pytest.approx(p, abs=0.006)
        assert stats.sign_flip_p(d, seed=4) == stats.sign_flip_p(d, seed=4)


def test_drawn_p_is_never_zero():
    assert stats.sign_flip_p(np.ones(40)) == stats.least_p(40) == 1 / 100_001
    assert stats.sign_flip_p(np.tile([1.0, -1.0], 50)) == 1


# ---- Holm
def test_holm_by_hand():
    # sorted .01 .03 .04: times 3, 2, 1: .03 .06 .04, and it never falls: .03 .06 .06
    assert stats.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert stats.holm([0.7, 0.6]) == pytest.approx([1, 1])
    assert stats.holm([0.02]) == pytest.approx([0.02])
    assert stats.holm([]).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_p_and_bonferroni(p):
    adjusted = stats.holm(p)
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(1, np.array(p) * len(p)) + 1e-12).all()


# ---- probability of improvement
def test_prob_improvement_counts_pairs():
    rng = np.random.default_rng(5)
    for _ in range(20):
        a, b = rng.integers(0, 5, 6), rng.integers(0, 5, 4)
        slow = np.mean([(x > y) + 0.5 * (x == y) for x in a for y in b])
        assert stats.prob_improvement(a, b) == pytest.approx(slow)


def test_improvement_interval_solves_its_equation():
    # m = n = 8: N = 8, t(0.975, 7) = 2.3646; at an edge x the distance is t sqrt(V(x))
    for p in (0.3, 0.5, 1.0):
        for x in stats.improvement_interval(p, 8, 8):
            if x not in (0, 1):
                v = x * (1 - x) / 64 * (1 + 7 * ((1 - x) / (2 - x) + x / (1 + x)))
                assert abs(p - x) == pytest.approx(2.3646 * np.sqrt(v), abs=1e-4)
    low, high = stats.improvement_interval(1.0, 6, 6)
    assert high == 1
    assert 0.5 < low < 0.8  # six runs above six others: not certain, as a bootstrap would have it
    mirrored = stats.improvement_interval(0.7, 5, 9)
    assert stats.improvement_interval(0.3, 5, 9) == pytest.approx((1 - mirrored[1], 1 - mirrored[0]))
    assert stats.improvement_interval(1.0, 1, 1) == (0, 1)


# ---- power
def test_power_by_the_textbook():
    assert stats.seeds_needed(0.5, 1.0, 6) == 34  # paired t test, d = 0.5, power 0.8, level 0.05: 34 pairs
    assert stats.smallest_gap(1.0, 10_000) == pytest.approx((1.95996 + 0.84162) / 100, rel=1e-3)
    assert stats.smallest_gap(2.0, 10) == pytest.approx(2 * stats.smallest_gap(1.0, 10))
    assert stats.smallest_gap(1.0, 1) == np.inf
    assert stats.smallest_gap(0.0, 5) == 0


def test_power_is_the_noncentral_t():
    for n, level in ((2, 0.05), (3, 0.05), (6, 0.025), (16, 0.01), (200, 0.05)):
        delta = stats.smallest_gap(1.0, n, level) * np.sqrt(n)
        critical = scipy_stats.t.ppf(1 - level / 2, n - 1)
        assert scipy_stats.nct.sf(critical, n - 1, delta) == pytest.approx(0.8, abs=1e-6)


def test_seeds_needed_is_the_first_that_suffices():
    for gap in (0.3, 0.9, 3.0):
        n = stats.seeds_needed(gap, 1.0, 6)
        assert stats.smallest_gap(1.0, n) <= gap
        assert n == 6 or stats.smallest_gap(1.0, n - 1) > gap
    assert stats.seeds_needed(1e-9, 1.0, 6) is None
    assert stats.seeds_needed(0.1, 0.0, 6) == 6
    assert stats.seeds_needed(1e6, 1e-6, 7) == 7


def test_spread_interval_by_hand():
    # chi-square of 5 degrees: 12.833 and 0.8312; sqrt(5 / 12.833) = 0.6242, sqrt(5 / 0.8312) = 2.4526
    assert stats.spread_interval(1.0, 6) == pytest.approx((0.6242, 2.4526), abs=1e-3)
    assert stats.spread_interval(1.0, 1) == (0, np.inf)


# ---- IQM
def test_iqm_by_hand():
    assert stats.iqm(np.arange(8.0)) == 3.5  # 0 1 | 2 3 4 5 | 6 7
    assert stats.iqm(np.array([9.0, 1, 2, 3, 1e6])) == pytest.approx(14 / 3)  # one from each end
    values = np.random.default_rng(6).normal(size=(3, 7))
    assert stats.iqm(values) == pytest.approx(scipy_stats.trim_mean(values, 0.25, axis=None))


def test_iqm_bootstrap_draws_within_strata():
    # two tasks without spread: every draw has five 0s and five 10s, its middle six three of each
    scores = np.array([[0.0] * 5, [10.0] * 5])
    assert stats.iqm_interval(scores) == (5, 5)
    scores = np.random.default_rng(7).normal(size=(2, 20))
    low, high = stats.iqm_interval(scores, seed=1)
    assert low < stats.iqm(scores) < high
    assert stats.iqm_interval(scores, seed=1) == (low, high)


# ---- questions
CELLS = np.array([[1.0, 3.0], [3.0, 5.0]])  # [seeds, questions]: means by seed 2, 4; by question 2, 4; no rest


def test_question_interval_by_hand():
    # questions 2 and 4: mean 3, sd sqrt(2), standard error 1, t(0.975, 1) = 12.706
    assert stats.question_interval(CELLS) == pytest.approx((3 - 12.706, 3 + 12.706), abs=1e-3)


def test_crossed_interval_by_hand():
    # MS 4 by seed, 4 by question, 0 of the rest: variance (4 + 4 - 0) / 4 = 2, df 8^2 / (16 + 16) = 2, t = 4.3027
    half = 4.3027 * np.sqrt(2)
    assert stats.crossed_interval(CELLS) == pytest.approx((3 - half, 3 + half), abs=1e-3)
    assert stats.crossed_interval(CELLS.T) == pytest.approx(stats.crossed_interval(CELLS))


def test_crossed_interval_takes_off_what_is_neither_of_seed_nor_of_question():
    # by seed 1.5, 3.5; by question 1.5, 3.5; rest +-0.5: MS 4, 4 and 1, variance (4 + 4 - 1) / 4, df 49 / (16 + 16 + 1)
    half = scipy_stats.t.ppf(0.975, 49 / 33) * np.sqrt(7 / 4)
    assert stats.crossed_interval(np.array([[1.0, 2.0], [2.0, 5.0]])) == pytest.approx((2.5 - half, 2.5 + half))


def test_crossed_interval_is_never_the_narrowest_by_chance():
    # only seeds differ: MS by seed 4, by question 0, rest 0: the one-way variance 4 / 4 with 1 degree of freedom
    one_way = np.array([[2.0, 2.0], [4.0, 4.0]])
    assert stats.crossed_interval(one_way) == pytest.approx((3 - 12.706, 3 + 12.706), abs=1e-3)
    assert stats.crossed_interval(one_way[:1]) == (-np.inf, np.inf)
    assert stats.crossed_interval(one_way[:, :1]) == (-np.inf, np.inf)


@pytest.mark.parametrize("name", ["holm", "iqm"])
def test_doctests(name):
    assert doctest.testmod(importlib.import_module(f"hicra.stats.{name}")).failed == 0
