"""Scores and intervals of an evaluation: hand-worked numbers, and coverage by simulation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hicra.errors import ConfigError, DataError
from hicra.evaluate.intervals import LIKE, THESE, like_these, sampling_variance, these
from hicra.evaluate.score import count, figures, lengths, share, verdict_counts
from hicra.metrics.passk import pass_at_k
from hicra.stats import wilson_of_share as wilson


def counts_of(*pairs):
    """Counts of questions given as (samples, right)."""
    questions = [f"q{number}" for number, (n, _) in enumerate(pairs) for _ in range(n)]
    verdicts = [verdict for n, c in pairs for verdict in ["correct"] * c + ["wrong"] * (n - c)]
    return count(questions, verdicts)


def test_avg_and_pass_at_k_by_hand():
    # 4 samples each: 2, 0, 4 right. avg = (1/2 + 0 + 1) / 3; pass@2 = (1 - C(2,2)/C(4,2) + 0 + 1) / 3 = (5/6 + 1) / 3
    found = figures(counts_of((4, 2), (4, 0), (4, 4)), (1, 2, 4))
    assert found["avg_at_n"] == 0.5
    assert found["pass_at_k"]["1"] == 0.5
    assert found["pass_at_k"]["2"] == pytest.approx((5 / 6 + 1) / 3)
    assert found["pass_at_k"]["4"] == pytest.approx(2 / 3)


def test_a_question_counts_once_whatever_its_number_of_samples():
    found = figures(counts_of((8, 8), (2, 0)), (1, 2))
    assert found["avg_at_n"] == 0.5  # not 8 / 10


def test_k_over_n_is_refused():
    with pytest.raises(ConfigError, match="pass@3 cannot be had from 2 samples") as caught:
        figures(counts_of((4, 1), (2, 1)), (1, 3))
    assert "--n 3" in caught.value.fix


def test_interval_for_questions_like_these_by_hand():
    # two questions, both always solved: the lower limit is the 2.5 % quantile of the weight of two questions beside half a one,
    # Beta(2, 1/2). For y of Beta(1/2, 2), P(y <= x) = sqrt(x) (3 - x) / 2, which is 0.975 at 0.75336
    low, high = like_these(np.array([1.0, 1.0]))
    assert (low, high) == (pytest.approx(1 - 0.75336, abs=1e-5), 1.0)
    # one solved, one not: Beta(1, 3/2) is below x with chance 1 - (1 - x)^(3/2), so x = 1 - 0.975^(2/3)
    low, high = like_these(np.array([0.0, 1.0]))
    assert (low, high) == pytest.approx((1 - 0.975 ** (2 / 3), 0.975 ** (2 / 3)))


def test_interval_for_these_questions_by_hand():
    # 4 samples, 2 right: p = 1/2, variance 1/16, so 4 draws; two such questions: 8
    low, high = these(np.array([4, 4]), np.array([2, 2]))
    z, m = 1.959963984540054, 8
    half = z * math.sqrt(0.25 / m + z**2 / (4 * m**2)) / (1 + z**2 / m)
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half))


def test_variance_of_pass_at_k_by_hand():
    # n = 2, c = 1: p = 1/2; pass@2 is 1 unless both are wrong: a Bernoulli of 3/4
    assert sampling_variance(2, 1, 2) == pytest.approx(3 / 16)
    assert sampling_variance(4, 2, 1) == pytest.approx(1 / 16)
    # against drawing it
    draws = np.random.default_rng(0).binomial(8, 2.5 / 9, 200_000)
    values = np.array([pass_at_k(8, c, 4) for c in range(9)])[draws]
    assert sampling_variance(8, 2, 4) == pytest.approx(values.var(), rel=0.02)


def test_intervals_stay_in_bounds_and_never_shrink_to_a_point():
    for pairs in ([(4, 0)] * 5, [(4, 4)] * 5, [(1, 1)], [(4, 2)]):
        found = figures(counts_of(*pairs), (1,))
        for low, high in found["intervals"].values():
            assert 0 <= low <= found["avg_at_n"] <= high <= 1
            assert high - low > 0.05
    assert figures(counts_of((4, 2)), (1,))["intervals"][LIKE] == [0.0, 1.0]  # one question says nothing of others


def test_greedy_samples_have_no_sampling_noise():
    found = figures(counts_of((1, 1), (1, 0)), (1,), greedy=True)
    assert found["intervals"][THESE] == [0.5, 0.5]
    low, high = found["intervals"][LIKE]
    assert high - low > 0.5
    assert found["ci"] == [low, high]


def test_wilson_is_the_textbook_interval_for_independent_draws():
    # 10 of 50, the usual Wilson score interval
    low, high = wilson(0.2, 0.2 * 0.8 / 50, 50, 1.959963984540054)
    assert (round(low, 4), round(high, 4)) == (0.1124, 0.3304)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("questions", "n", "a", "b"), [(30, 4, 0.5, 0.5), (30, 32, 0.5, 0.5), (60, 1, 0.5, 0.5), (50, 4, 1, 3)]
)
def test_coverage(questions, n, a, b):
    """95 % intervals: each covers its own target; THESE is no interval for questions like these."""
    rng, runs = np.random.default_rng(1), 800
    inside = {"these": 0, "like": 0, "these for like": 0}
    for _ in range(runs):
        p = rng.beta(a, b, questions)
        right = rng.binomial(n, p)
        fixed, wide = these(np.full(questions, n), right), like_these(right / n)
        inside["these"] += fixed[0] <= p.mean() <= fixed[1]
        inside["like"] += wide[0] <= a / (a + b) <= wide[1]
        inside["these for like"] += fixed[0] <= a / (a + b) <= fixed[1]
    assert inside["these"] / runs > 0.925
    assert inside["like"] / runs > 0.925
    if n == 32:
        assert inside["these for like"] / runs < 0.5


def test_unjudged_counts_as_not_right_and_is_bounded():
    counts = count(["a", "a", "b", "b"], ["correct", "timeout", "error", "wrong"])
    found = figures(counts, (1,))
    assert found["avg_at_n"] == 0.25
    assert found["avg_at_n_if_unjudged_right"] == 0.75


def test_a_bad_gold_leaves_every_mean_and_is_listed():
    counts = count(["b", "a", "a", "b"], ["bad_gold", "correct", "wrong", "bad_gold"])
    assert counts.bad_gold == ["b"]
    assert figures(counts, (1, 2))["avg_at_n"] == 0.5
    nothing = figures(count(["b"], ["bad_gold"]), (1,))
    assert nothing["avg_at_n"] is None
    assert nothing["ci"] is None


def test_counts_do_not_depend_on_the_order():
    names, verdicts = ["a", "b", "a", "c", "b"], ["correct", "wrong", "wrong", "timeout", "correct"]
    first, second = count(names, verdicts), count(names[::-1], verdicts[::-1])
    assert all((getattr(first, key) == getattr(second, key)).all() for key in ("n", "c", "unjudged"))
    with pytest.raises(DataError, match="no sample"):
        count([], [])


def test_lengths_and_shares():
    assert lengths([1, 3], ["x", "y"]) == {"unit": "tokens", "mean": 2.0, "median": 2.0, "p95": 2.9, "max": 3}
    assert lengths([1, None], ["xx", "yyyy"])["unit"] == "characters"
    assert share([True, False, True, True]) == 0.75
    assert share([True, None]) is None
    assert verdict_counts(["wrong", "wrong", "correct"]) == {
        "correct": 1, "wrong": 2, "no_answer": 0, "timeout": 0, "error": 0, "bad_gold": 0
    }  # fmt: skip


PAIRS = st.lists(
    st.integers(2, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=1, max_size=12
)


@pytest.mark.slow
@given(PAIRS)
@example([(5, 2), (5, 2), (5, 2)])  # the mean of three 0.6 is not 0.6: no variance must come of that
def test_invariants(pairs):
    least = min(n for n, _ in pairs)
    ks = tuple(range(1, least + 1))
    found = figures(counts_of(*pairs), ks)
    values = [found["pass_at_k"][str(k)] for k in ks]
    assert all(a <= b + 1e-12 for a, b in itertools.pairwise(values))  # more tries never solve less
    assert found["pass_at_k"]["1"] == found["avg_at_n"]
    for k in ks:
        for low, high in found["pass_at_k_intervals"][str(k)].values():
            assert 0 <= low <= found["pass_at_k"][str(k)] <= high <= 1
    mirrored = figures(counts_of(*[(n, n - c) for n, c in pairs]), (1,))  # right and wrong change places
    for which in (THESE, LIKE):
        low, high = found["intervals"][which]
        assert mirrored["intervals"][which] == pytest.approx([1 - high, 1 - low])
    again = figures(counts_of(*pairs[::-1]), (1,))
    assert again["intervals"][LIKE] == pytest.approx(found["intervals"][LIKE])
