"""True advantages: a policy small enough that every value can be written down."""

from __future__ import annotations

import numpy as np
import pytest

from hicra.errors import ConfigError, DataError
from hicra.metrics.credit_quality import kind_shares
from hicra.signal.quality import continuations_for, true_advantages, value_sources

# Three tokens of 0 or 1. The first is 1 with chance .4; the second is a copy of it for sure; the third is 1 with chance .5.
# The reward is 1 if the first and the third are 1. So V() = .4 x .5 = .2, V(1) = V(11) = .5, V(0) = V(00) = 0, V(11x) = x.
TOKENS = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 1]])
CHANCES = np.array([[0.4, 1.0, 0.5], [0.4, 1.0, 0.5], [0.6, 1.0, 0.5]])
REWARDS = np.array([1.0, 0.0, 0.0])
EXACT = np.array([[0.3, 0.0, 0.5], [0.3, 0.0, -0.5], [-0.2, 0.0, 0.0]])
LIVE = np.ones((3, 3), bool)


class Policy:
    """Draws continuations of the first tokens of a row, and remembers what it was asked."""

    def __init__(self, seed: int = 0) -> None:
        self.rng, self.asked = np.random.default_rng(seed), []

    def __call__(self, rows: np.ndarray, at: int, k: int) -> np.ndarray:
        self.asked += [(int(row), at) for row in rows]
        shape = (len(rows), k)
        first = np.broadcast_to(TOKENS[rows, 0][:, None], shape) if at else self.rng.random(shape) < 0.4
        third = self.rng.random(shape) < 0.5
        return (first * third).astype(float)


def test_values_are_the_exact_ones_with_many_continuations() -> None:
    policy = Policy()
    found = true_advantages(CHANCES, LIVE, REWARDS, policy, problems=np.zeros(3), continuations=40_000, slack=0.0)
    np.testing.assert_allclose(found.mean, EXACT, atol=0.02)
    # the second token is certain, so its prefix's value is taken over; after the last token the reward is known
    assert sorted(policy.asked) == [(row, at) for row in range(3) for at in (0, 1)]
    assert (found.first[:, 1] == 0).all()
    assert (found.variance[:, 1] == 0).all()


def test_halves_are_independent_and_unbiased() -> None:
    # E of the product is the square: .09 + 0 + .25, .09 + .25 and .04, of the first tokens .22 in .72
    total = first = 0.0
    naive = 0.0
    for seed in range(1500):
        found = true_advantages(CHANCES, LIVE, REWARDS, Policy(seed), problems=np.zeros(3), continuations=4)
        total += float((found.first * found.second).sum())
        first += float((found.first * found.second)[:, 0].sum())
        naive += float((found.mean**2).sum())
    assert total / 1500 == pytest.approx(0.72, abs=0.06)
    assert first / 1500 == pytest.approx(0.22, abs=0.06)
    # naive: each V adds p(1-p)/4, .04 at V() and .0625 at V(1). Rows 1 and 2: .1025 on the first token and .0625 on the third;
    # row 3: .04 on the first. 2 x .165 + .04 = .37 more
    assert naive / 1500 == pytest.approx(0.72 + 0.37, abs=0.06)


def test_shares_of_kinds_end_to_end() -> None:
    rows = np.tile(np.arange(3), 40)
    policy = Policy(5)
    found = true_advantages(
        CHANCES[rows], LIVE[rows], REWARDS[rows], lambda at_rows, at, k: policy(rows[at_rows], at, k),
        problems=np.arange(120) // 3, continuations=100,
    )  # fmt: skip
    shares = kind_shares(found, {"first": np.array([[1, 0, 0]] * 120), "third": np.array([[0, 0, 1]] * 120)})
    assert shares["first"]["share"] == pytest.approx(0.22 / 0.72, abs=0.03)
    low, high = shares["third"]["share_ci"]
    assert low < 0.5 / 0.72 < high


def test_variance_by_hand() -> None:
    def always_one(rows: np.ndarray, at: int, k: int) -> np.ndarray:
        return np.ones((len(rows), k))

    found = true_advantages([[0.5, 0.5]], [[1, 1]], [1.0], always_one, problems=[0], continuations=4)
    # mean (4 + .5) / 5 = .9, so .9 x .1 / 4 = .0225 for each value; the reward itself adds nothing
    np.testing.assert_allclose(found.variance, [[0.045, 0.0225]])
    np.testing.assert_array_equal(found.mean, [[0.0, 0.0]])


def test_which_values_are_taken_over() -> None:
    gaps = np.array([[0.5, 0.004, 0.004, 0.004, 0.5, 0.006, 0.0]])
    live = np.array([[1, 1, 1, 1, 1, 1, 0]], bool)
    # after the first token .5 > .01: asked anew at 1; then .004, .008 are taken over, .012 is asked at 4; then at 5 the rest of
    # the response sums to .006, so the reward (7) stands there
    assert value_sources(gaps, live, 0.01).tolist() == [[0, 1, 1, 1, 4, 7, 7, 7]]
    assert value_sources(gaps, live, 0.0).tolist() == [[0, 1, 2, 3, 4, 5, 7, 7]]


def test_taking_over_errs_by_the_slack_at_most() -> None:
    # a chain of n tokens: each is 1 with chance q, else the reward is lost; V after t ones is q^(n-t)
    n, q = 12, 0.996
    values = q ** np.arange(n, -1, -1.0)
    source = value_sources(np.full((1, n), 1 - q), np.ones((1, n), bool), 0.01)[0]
    assert np.abs(values[source] - values).max() <= 0.01
    assert len(set(source)) < n


def test_number_of_continuations() -> None:
    assert continuations_for(0.05) == 100
    assert continuations_for(0.5) == 4
    with pytest.raises(ConfigError, match="standard_error is 0"):
        continuations_for(0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"continuations": 5}, "must be even"),
        ({"continuations": 4.0}, "continuations is 4.0, it must be even, whole"),
        ({"slack": 1.0}, "slack is 1.0"),
        ({"chances": -CHANCES}, "row 0, token 0: a probability of -0.4"),
        ({"live": np.array([[1, 0, 1]] * 3)}, "has a gap"),
        ({"rewards": np.array([1.0, np.nan, 0.0])}, "outside"),
        ({"returns": lambda rows, at, k: np.ones(k)}, "continuations after 0 tokens have shape"),
    ],
)
def test_bad_input_is_named(change: dict, said: str) -> None:  # type: ignore[type-arg]
    given = {
        "chances": CHANCES,
        "live": LIVE,
        "rewards": REWARDS,
        "returns": Policy(),
        "problems": np.zeros(3),
    } | change
    with pytest.raises((ConfigError, DataError), match=said):
        true_advantages(**given)
