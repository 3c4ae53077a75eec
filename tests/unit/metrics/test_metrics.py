"""Metrics with numbers worked out by hand."""

import math

import numpy as np
import pytest

from hicra import metrics
from hicra.credit import hicra
from hicra.errors import ConfigError, DataError
from hicra.metrics import RolloutStats


def test_semantic_entropy_by_hand():
    assert metrics.semantic_entropy([1, 1, 2]) == pytest.approx(1.5 * math.log(2))
    assert metrics.semantic_entropy([1, 1, 2], base=2) == pytest.approx(1.5)
    # Miller-Madow: + (S - 1) / (2 N) = 1 / 8
    assert metrics.semantic_entropy([2, 2], "miller_madow") == pytest.approx(math.log(2) + 1 / 8)
    # Chao-Shen of 2, 1, 1: coverage 1 - 2/4, p = 1/4, 1/8, 1/8
    expected = sum(-p * math.log(p) / (1 - (1 - p) ** 4) for p in (1 / 4, 1 / 8, 1 / 8))
    assert metrics.semantic_entropy([2, 1, 1], "chao_shen") == pytest.approx(expected)
    # of 1, 1, 1: coverage 0 would give nothing, so one singleton is not counted: 1 - 2/3, p = 1/9 each
    expected = 3 * (1 / 9) * math.log(9) / (1 - (8 / 9) ** 3)
    assert metrics.semantic_entropy([1, 1, 1], "chao_shen") == pytest.approx(expected)
    assert expected == pytest.approx(2.4604, abs=1e-4)
    for estimator in ("plugin", "miller_madow", "chao_shen"):
        assert metrics.semantic_entropy([], estimator) == 0.0
        assert math.isfinite(metrics.semantic_entropy([1, 1], estimator))
    with pytest.raises(ConfigError, match="did you mean 'plugin'"):
        metrics.semantic_entropy([1], "plugins")
    with pytest.raises(DataError, match="negative"):
        metrics.semantic_entropy([1, -1])


@pytest.mark.parametrize("estimator", ["plugin", "miller_madow", "chao_shen"])
def test_the_entropy_of_one_bin_is_zero_without_a_sign(estimator):
    for counts in ([5], [1], [3, 0]):
        assert str(metrics.semantic_entropy(counts, estimator=estimator)) == "0.0"


def test_rarefied_entropy_by_hand():
    # two of [2, 2]: equal with chance 1/3 (entropy 0), different with 2/3 (log 2)
    assert metrics.rarefied_entropy([2, 2], 2) == pytest.approx(2 / 3 * math.log(2))
    assert metrics.rarefied_entropy([5, 3, 0, 2], 10) == pytest.approx(
        metrics.semantic_entropy([5, 3, 2])
    )  # all of them
    assert metrics.rarefied_entropy([5, 3], 1) == pytest.approx(0)
    assert metrics.rarefied_entropy([2, 2], 5) is None


def test_rarefied_entropy_is_the_mean_over_draws():
    counts, rng = np.array([6, 3, 1]), np.random.default_rng(0)
    symbols = np.repeat(np.arange(3), counts)
    draws = [metrics.semantic_entropy(np.bincount(rng.permutation(symbols)[:4])) for _ in range(4000)]
    assert metrics.rarefied_entropy(counts, 4) == pytest.approx(np.mean(draws), abs=0.02)


def test_conditional_entropy_by_hand():
    # after gram 0: a, b (log 2); after gram 1: always c (0); half of the pairs each
    assert metrics.conditional_entropy([0, 0, 1, 1], [5, 6, 7, 7]) == pytest.approx(math.log(2) / 2)
    assert metrics.conditional_entropy([], []) is None


def test_pass_at_k_by_hand():
    assert metrics.pass_at_k(4, 2, 2) == pytest.approx(1 - 1 / 6)
    assert metrics.pass_at_k(4, 0, 4) == 0.0
    assert metrics.pass_at_k(4, 1, 4) == 1.0
    for n, c, k in ((4, 2, 5), (0, 0, 1), (4, 5, 1), (4, 2, 0)):
        with pytest.raises(ValueError, match="pass@|right"):
            metrics.pass_at_k(n, c, k)


def test_kinds_by_hand():
    planning = np.array([[True, False, False, True]])
    live = np.array([[True, True, True, False]])
    entropies = np.array([[1.0, 0.2, 0.4, np.inf]])
    logprobs = np.array([[-2.0, -0.1, -0.3, -np.inf]])
    got = metrics.kind_values(metrics.kind_sums(planning, live, entropies, logprobs))
    assert got["hicra/entropy_planning"] == pytest.approx(1.0)
    assert got["hicra/entropy_execution"] == pytest.approx(0.3)
    assert got["hicra/ppl_planning"] == pytest.approx(math.exp(2.0))
    assert got["hicra/ppl_execution"] == pytest.approx(math.exp(0.2))
    none = metrics.kind_values(metrics.kind_sums(planning & False, live, entropies, logprobs))
    assert none["hicra/entropy_planning"] is None


def stats(reward=(1.0, 0.0, 0.0, 0.0), group=(1, 1, 2, 2)):
    ids = np.arange(16).reshape(4, 4)
    live = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]], bool)
    planning = np.zeros((4, 4), bool)
    planning[0, :2] = True
    before = np.array([0.5, -0.5, 0.0, 0.0])
    after = np.repeat(before[:, None], 4, axis=1)
    after[0, :2] = 0.6
    reward = np.array(reward)
    return RolloutStats.of(
        ids, live, planning=planning, row=np.array([0, 0]), start=np.array([0, 0]), stop=np.array([1, 2]),
        gram=np.array([3, 4]), reward=reward, correct=metrics.correct_from_reward(reward), group=np.array(group),
        before=before, after=after,
    )  # fmt: skip


def stats_of(planning, before, after):
    """The values of a batch in which each token is a policy token and no gram occurs."""
    none = np.zeros(0, np.int64)
    reward = np.array([1.0, 0.0, 0.0, 0.0])
    return RolloutStats.of(
        np.zeros(planning.shape, np.int64), np.ones(planning.shape, bool), planning=planning, row=none, start=none, stop=none,
        gram=none, reward=reward, correct=reward, group=np.zeros(4, np.int64), before=before, after=after,
    ).values()  # fmt: skip


def test_rollout_values_by_hand():
    values = stats().values()
    assert values["hicra/accuracy"] == 0.25
    assert values["hicra/length"] == 2.5  # 10 tokens of 4 rollouts
    assert values["hicra/planning_share"] == 0.2
    assert values["hicra/changed_share"] == 0.2
    assert values["hicra/advantage_mean_before"] == pytest.approx(0.0)
    assert values["hicra/advantage_mean_after"] == pytest.approx(0.02)
    # planning: two tokens of 0.5 become 0.6 each; execution: 2 x 0.5 and 4 x |-0.5|, as before
    assert values["hicra/weight_planning"] == pytest.approx(1.2)
    assert values["hicra/weight_execution"] == 1.0
    assert values["hicra/mixed_groups"] == 0.5
    assert values["hicra/pass_at_1"] == 0.25
    assert values["hicra/pass_at_2"] == 0.5
    assert values["hicra/gram_hits"] == 1  # the gram that holds the other
    assert values["hicra/conditional_entropy"] is None  # only two tokens follow


def test_hicra_gives_right_planning_tokens_what_it_takes_from_wrong_ones():
    # one of four is right, A = 3/4 and -1/4; a planning token each: (3/4 + 3/4) before, 0.9 + 3 * 0.2 = 1.5 after
    # a second one in the right rollout: 1.5 + 0.75 = 2.25 before, 1.8 + 0.6 = 2.4 after
    before = np.array([0.75, -0.25, -0.25, -0.25])
    for second, ratio in ((False, 1.0), (True, 2.4 / 2.25)):
        planning = np.array([[True, second], *[[True, False]] * 3])
        after = hicra(np.repeat(before[:, None], 2, axis=1), planning, alpha=0.2)
        found = stats_of(planning, before, after)
        assert found["hicra/weight_planning"] == pytest.approx(ratio)
        assert found["hicra/weight_execution"] == pytest.approx(1.0)


def test_merging_equals_pooling():
    one, two = stats(), stats((1.0, 1.0, float("nan"), 0.0), (7, 7, 8, 8))
    merged = RolloutStats.merge([one, two]).values()
    assert merged["hicra/accuracy"] == pytest.approx(3 / 7)
    assert merged["hicra/planning_share"] == 0.2
    assert merged["hicra/mixed_groups"] == 0.25
    twice = stats()
    twice.size_after = (3.0, 0.0)
    # planning: (1.2 + 3.0) / (1.0 + 1.0), and not the mean of 1.2 and 3; execution: (3 + 0) / (3 + 3)
    weights = RolloutStats.merge([one, twice, RolloutStats(rows=2)]).values()
    assert weights["hicra/weight_planning"] == pytest.approx(2.1)
    assert weights["hicra/weight_execution"] == pytest.approx(0.5)
    assert RolloutStats.merge([]).values()["hicra/accuracy"] is None


def test_unknown_values_are_none_not_zero():
    values = RolloutStats(rows=0).values()
    assert values["hicra/length"] is None
    assert values["hicra/planning_share"] is None
    assert values["hicra/weight_planning"] is values["hicra/weight_execution"] is None
    flat = stats()
    flat.size_before = flat.size_after = (0.0, 1.0)  # every planning token has the advantage 0
    assert (flat.values()["hicra/weight_planning"], flat.values()["hicra/weight_execution"]) == (None, 1.0)
    assert "hicra/semantic_entropy" not in values
    assert metrics.with_nulls({})["hicra/semantic_entropy"] is None


def test_a_response_is_right_from_one_half_on():
    got = metrics.correct_from_reward(np.array([0.5, np.nextafter(0.5, 0), 0.51, 1.0, 0.0, -1.0, np.nan]))
    assert got[:6].tolist() == [1, 0, 1, 1, 0, 0]
    assert np.isnan(got[6])


def test_what_follows_a_gram_may_end_with_the_width():
    ids = np.arange(10).reshape(2, 5)
    given, _ = metrics.gram_pairs(ids, np.ones((2, 5), bool), np.array([0, 1]), np.array([2, 3]), np.array([5, 6]))
    assert given.tolist() == [5]  # tokens 2, 3, 4 are there, tokens 3, 4, 5 are not


def test_gram_pairs_stay_inside_the_response():
    ids, live = np.arange(10).reshape(2, 5), np.ones((2, 5), bool)
    live[1, 3] = False
    given, following = metrics.gram_pairs(ids, live, np.array([0, 0, 1]), np.array([1, 3, 1]), np.array([5, 6, 7]))
    assert given.tolist() == [5]  # the second has two tokens left, the third meets a foreign token
    assert len(following) == 1


def test_every_name_is_described_once():
    names = [metric.name for metric in metrics.METRICS]
    assert len(names) == len(set(names))
    assert metrics.describe("hicra/pass_at_4") is metrics.describe("hicra/pass_at_K")
    assert metrics.describe("hicra/nothing") is None
