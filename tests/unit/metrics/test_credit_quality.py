"""Credit quality: figures worked out by hand, and what the noise of an estimate must not do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hicra.errors import ConfigError, DataError
from hicra.metrics.credit_quality import credit_quality, kind_shares
from hicra.metrics.true_advantages import TrueAdvantages, reliability


def truth_of(first: Any, second: Any = None, variance: Any = 0.0, problems: Any = None) -> TrueAdvantages:
    a = np.array(first, np.float64)
    b = a if second is None else np.array(second, np.float64)
    rows = np.arange(len(a)) if problems is None else np.array(problems)
    return TrueAdvantages(a, b, np.broadcast_to(np.float64(variance), a.shape), np.ones(a.shape, bool), rows)


def exact(rows: int = 4) -> TrueAdvantages:
    """Equal rollouts of four tokens with the advantages .6, 0, -.2, 0, known exactly."""
    return truth_of([[0.6, 0.0, -0.2, 0.0]] * rows)


def test_share_of_a_kind_by_hand() -> None:
    # squares: .36 on the first token, .04 on the third, .40 together; absolute values .6 and .2, .8 together
    found = kind_shares(exact(), {"first": np.array([[1, 0, 0, 0]] * 4), "rest": np.array([[0, 1, 1, 1]] * 4)})
    assert found["first"]["share"] == pytest.approx(0.36 / 0.40)
    assert found["first"]["tokens"] == 0.25
    assert found["first"]["lift"] == pytest.approx(0.9 / 0.25)
    assert found["first"]["absolute"] == found["first"]["naive"] == pytest.approx(0.6 / 0.8)
    assert found["rest"]["share"] == pytest.approx(0.1)
    assert found["first"]["share_ci"] == pytest.approx([0.9, 0.9])  # equal problems


def test_the_product_of_halves_takes_the_noise_out() -> None:
    # one token with a = .5 seen as .5 in both halves; one without effect, seen as .3 and -.3, then as -.3 and .3 and so on.
    # products: .25 and -.09; naive sees |mean| = 0 there by luck, |halves| would see .3
    found = kind_shares(
        truth_of([[0.5, 0.3], [0.5, 0.3]], [[0.5, -0.3], [0.5, -0.3]]), {"noise": np.array([[0, 1]] * 2)}
    )
    assert found["noise"]["share"] == pytest.approx(-0.09 / 0.16)  # an estimate may be negative
    # cross signs: (.3 x -1 + -.3 x 1) / 2 = -.3 on the noise, .5 on the other
    assert found["noise"]["absolute"] == pytest.approx(-0.3 / 0.2)


def test_shares_are_right_on_average_where_naive_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    a = np.zeros((400, 10))
    a[:, 0] = 0.4
    noise = rng.normal(0, 0.1, (2, *a.shape))
    found = kind_shares(truth_of(a + noise[0], a + noise[1]), {"others": np.arange(10) > 0 * np.ones((400, 1))})[
        "others"
    ]
    # the true share is 0; by hand naive: 9 x .0564 (mean |N(0, .1^2/2)|) against .4 + that, so .51 / .91 = .56
    assert abs(found["share"]) < 0.03
    assert found["share_ci"][0] < 0 < found["share_ci"][1]
    assert found["naive"] == pytest.approx(0.56, abs=0.02)


def test_cosine_focus_and_lift_by_hand() -> None:
    truth = exact()
    grpo = np.full((4, 4), 0.5)
    planning = np.array([[0.5, 0.5, 0.0, 0.0]] * 4)
    opposite = np.array([[-0.6, 0.0, 0.2, 0.0]] * 4)
    found = credit_quality(truth, {"none": grpo, "first two": planning, "opposite": opposite})
    # none: dot .5 x .4 = .2, squares 4 x .25 = 1 and .40: .2 / sqrt(.4)
    assert found["none"]["cosine"] == pytest.approx(0.2 / np.sqrt(0.4))
    assert found["none"]["focus"] == pytest.approx(1) == found["none"]["lift"]
    # first two: mass 1, weighted .5 x .36 = .18, against a mean of .10
    assert found["first two"]["focus"] == pytest.approx(1.8)
    # above .1: the first and the third token, half of the tokens; half of the mass lies on the first
    assert found["first two"]["mass"] == pytest.approx(0.5)
    assert found["first two"]["lift"] == pytest.approx(1.0)
    # dot .5 x .6 = .3, squares .5 and .40
    assert found["first two"]["cosine"] == pytest.approx(0.3 / np.sqrt(0.2))
    assert found["first two"]["cosine_difference"] == pytest.approx(0.3 / np.sqrt(0.2) - 0.2 / np.sqrt(0.4))
    assert found["opposite"]["cosine"] == pytest.approx(-1)
    assert found["opposite"]["lift"] == pytest.approx(2)
    assert found["none"]["cosine_difference"] == 0


def test_ranks_know_ties_and_constant_rollouts() -> None:
    truth = truth_of([[0.6, 0.0, -0.2, 0.0], [0.0, 0.0, 0.0, 0.0]])
    found = credit_quality(
        truth, {"none": np.array([[0.5] * 4, [-0.5] * 4]), "x": np.array([[1.0, 0, 0, 0], [0, 1, 0, 0]])}
    )
    assert found["none"]["rank_within"] is None
    assert found["none"]["rollouts_ranked"] == 0
    # x in the first rollout: ranks 4, 2, 2, 2 against 4, 2.5, 1, 2.5; centred 1.5 -.5 -.5 -.5 and 1.5 0 -1.5 0:
    # 2.25 + .75 = 3, squares 3 and 4.5: 3 / sqrt(13.5); the second rollout has no order
    assert found["x"]["rank_within"] == pytest.approx(3 / np.sqrt(13.5))
    assert found["x"]["rollouts_ranked"] == 1
    # sizes .36 0 .04 0: ranks 4 1.5 3 1.5, centred 1.5 -1 .5 -1: 2.25 + .5 - .25 + .5 = 3, squares 3 and 4.5
    assert found["x"]["rank_size_within"] == pytest.approx(3 / np.sqrt(13.5))


def test_matters_takes_the_standard_error_off() -> None:
    # z = 1.645: .3 - 1.645 x .1 = .1355 is above .1, .26 - .1645 = .0955 is not
    truth = truth_of([[0.3, 0.26, -0.3]], variance=0.01)
    assert truth.matters(0.1, 0.95).tolist() == [[True, False, True]]
    assert truth.matters(0.1, 0.5).tolist() == [[True, True, True]]


def test_what_cannot_be_told_is_none() -> None:
    # two tokens a rollout, 1 and 1 in one half, 1 and -1 in the other: the products sum to 0 in every problem
    truth = truth_of([[1.0, 1.0]] * 3, [[1.0, -1.0]] * 3, variance=1.0)
    found = credit_quality(truth, {"none": np.ones((3, 2))})["none"]
    assert found["cosine"] is None is found["focus"]
    assert found["lift"] is None  # no token matters for sure
    assert kind_shares(truth, {"all": np.ones((3, 2))})["all"]["share"] is None


def test_noise_alone_gives_no_rank_of_size() -> None:
    # tokens whose value was asked for, against tokens with exactly 0: a method that marks the former must gain nothing by it
    rng = np.random.default_rng(2)
    asked = rng.random((200, 20)) < 0.4
    noise = rng.normal(0, 0.1, (2, 200, 20)) * asked
    truth = truth_of(noise[0], noise[1])
    found = credit_quality(truth, {"none": np.ones((200, 20)), "asked": asked.astype(float)})["asked"]
    assert abs(found["rank_size"]) < 0.05
    assert abs(found["rank_size_within"]) < 0.05


def test_reliability_by_hand() -> None:
    # ranks 1 2 3 against 1 3 2: r = 1/2; whole 2 x .5 / 1.5 = 2/3
    found = reliability(truth_of([[1.0, 2.0, 3.0]], [[1.0, 3.0, 2.0]]))
    assert found["halves"] == 0.5
    assert found["whole"] == pytest.approx(2 / 3)
    assert found["ceiling"] == pytest.approx(np.sqrt(2 / 3))
    assert reliability(truth_of([[1.0, 2.0]], [[2.0, 1.0]]))["ceiling"] is None


def test_order_of_rollouts_scale_and_padding_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    a, b, shaped = rng.normal(0.3, 0.3, (3, 12, 6))
    live = np.arange(6) < rng.integers(2, 7, (12, 1))
    problems = np.arange(12) // 2
    order = rng.permutation(12)
    one = TrueAdvantages(a, b, np.full((12, 6), 1e-4), live, problems)
    dirty = [np.where(live, value, np.nan)[order] for value in (a, b, np.full((12, 6), 1e-4))]
    other = TrueAdvantages(*dirty, live[order], problems[order] + 7)
    first = credit_quality(one, {"none": shaped})["none"]
    second = credit_quality(other, {"none": 3 * np.where(live, shaped, np.nan)[order]})["none"]
    for name, value in first.items():
        assert value == (pytest.approx(second[name]) if value is not None else None), name


def plain_only(value: Any) -> bool:
    """Whether a result holds Python's own numbers alone, so that it can be written as JSON by anybody."""
    if isinstance(value, dict | list):
        return all(map(plain_only, value.values() if isinstance(value, dict) else value))
    return type(value) in (float, int, type(None))


def test_tensors_and_lists_give_what_arrays_give() -> None:
    rng = np.random.default_rng(4)
    # quarters, which bfloat16 holds exactly
    shaped, mask = rng.integers(-4, 5, (6, 5)) / 4, rng.random((6, 5)) < 0.5
    a = rng.integers(-4, 5, (6, 5)) / 4
    want = credit_quality(truth_of(a), {"none": shaped}), kind_shares(truth_of(a), {"some": mask})
    assert all(map(plain_only, want))
    for as_given in (
        np.ndarray.tolist,
        torch.from_numpy,
        lambda x: torch.tensor(x, dtype=torch.bfloat16, requires_grad=True),
    ):
        truth = TrueAdvantages(
            *(as_given(x) for x in (a, a, np.zeros_like(a), np.ones_like(a))), problems=list(range(6))
        )
        assert credit_quality(truth, {"none": as_given(shaped)}) == want[0]
        assert kind_shares(truth, {"some": as_given(mask.astype(float))}) == want[1]


def test_bad_input_is_named() -> None:
    with pytest.raises(DataError, match="second is not finite"):
        truth_of([[0.1]], [[np.nan]])
    with pytest.raises(DataError, match="variance is negative"):
        truth_of([[0.1]], variance=-1.0)
    with pytest.raises(DataError, match="hicra has shape"):
        credit_quality(exact(), {"none": np.ones((4, 4)), "hicra": np.ones((4, 3))})
    with pytest.raises(DataError, match="hicra is of type <U1, no numbers"):
        credit_quality(exact(), {"none": np.ones((4, 4)), "hicra": np.full((4, 4), "a")})
    with pytest.raises(DataError, match=r"half\[0, 0\] is 0.5, neither 0 nor 1"):
        kind_shares(exact(), {"half": np.full((4, 4), 0.5)})
    with pytest.raises(ConfigError, match="reference 'none'"):
        credit_quality(exact(), {"hicra": np.ones((4, 4))})
    with pytest.raises(ConfigError, match="confidence 1"):
        exact().matters(0.1, 1)
