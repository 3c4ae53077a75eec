"""What inner products tell, by hand: two and three batches of gradients with two numbers; laws; what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra.errors import ConfigError, DataError
from hicra.metrics import gradient_signal
from hicra.signal.products import analyse, products
from hicra.signal.subsets import mean_over_pairs
from hicra.stats import jackknife_interval

KINDS, METHODS = ["planning", "execution"], ["none", "double", "planning_only"]
COEFFICIENTS = {
    "planning": np.array([1.0, 0]), "execution": np.array([0, 1.0]), "none": np.array([1.0, 1]),
    "double": np.array([2.0, 2]), "planning_only": np.array([1.0, 0]),
}  # fmt: skip
T2 = 4.30265273  # t(2) at 97.5 %


def analysed(planning: Any, execution: Any, confidence: float = 0.95) -> dict[str, Any]:
    """The analysis of batches with these gradients [N,D] of the two kinds."""
    vectors = [(np.array(rows, float), COEFFICIENTS) for rows in zip(planning, execution, strict=True)]
    return analyse(products(vectors, [*KINDS, *METHODS]), KINDS, METHODS, confidence)


def three() -> dict[str, Any]:
    """Three batches: planning (1,0) (2,0) (3,0), execution (0,1) (0,1) (0,-1)."""
    return analysed([[1, 0], [2, 0], [3, 0]], [[0, 1], [0, 1], [0, -1]])


def test_products_by_hand() -> None:
    # batch 0: planning (1, 2), execution (3, 0), so none is (4, 2); batch 1: planning (0, 1), execution (1, 1), none (1, 2)
    vectors = [(np.array(rows, np.float32), COEFFICIENTS) for rows in ([[1, 2], [3, 0]], [[0, 1], [1, 1]])]
    inner = products(vectors, ["planning", "execution", "none"])
    assert inner.dtype == np.float64
    assert inner[0, :, 0].tolist() == [[5, 3, 8], [3, 9, 12], [8, 12, 20]]
    assert inner[0, :, 1].tolist() == [[2, 3, 5], [0, 3, 3], [2, 6, 8]]
    assert inner[1, :, 0].tolist() == inner[0, :, 1].T.tolist()


def test_products_take_batches_with_other_components() -> None:
    # A batch without execution tokens has one component, and a batch without mixed groups none.
    first = (np.array([[1.0, 2], [3, 0]]), COEFFICIENTS)
    second = (
        np.array([[2.0, 0]]),
        {"planning": np.array([1.0]), "execution": np.array([0.0]), "none": np.array([1.0])},
    )
    third = (np.zeros((0, 2)), {name: np.zeros(0) for name in ("planning", "execution", "none")})
    inner = products([first, second, third], ["planning", "execution", "none"])
    assert inner[0, :, 1].tolist() == [[2, 0, 2], [6, 0, 6], [8, 0, 8]]
    assert not inner[2].any()


def test_products_of_long_gradients_are_those_of_the_whole() -> None:
    rows = np.random.default_rng(0).normal(size=(2, 2, 70_000)).astype(np.float32)  # more than one block of columns
    inner = products([(one, COEFFICIENTS) for one in rows], ["planning", "execution"])
    np.testing.assert_allclose(
        inner.reshape(4, 4), rows.reshape(4, -1).astype(float) @ rows.reshape(4, -1).T, rtol=1e-5
    )


def test_mean_over_pairs_of_subsets_by_hand() -> None:
    table = np.arange(9.0).reshape(3, 3, 1)  # 0 1 2 / 3 4 5 / 6 7 8
    chosen = np.array([[True, True, True], [True, True, False], [False, True, True]])
    # (1 + 2 + 3 + 5 + 6 + 7)/6 = 4; (1 + 3)/2 = 2; (5 + 7)/2 = 6
    assert mean_over_pairs(table, chosen)[:, 0].tolist() == [4, 2, 6]


def test_kinds_by_hand() -> None:
    # planning: pairs 1*2, 1*3, 2*3, mean 11/3; squares 1, 4, 9, mean 14/3; noise 1; snr 11/3
    # execution: pairs 1, -1, -1, mean -1/3; squares 1; noise 4/3; snr -1/4
    # share of planning (11/3) / (10/3) = 1.1, of execution -0.1: noise may carry a share beyond 0 or 1
    found = three()["kinds"]
    assert [found["planning"][key] for key in ("signal", "noise", "snr", "share")] == pytest.approx(
        [11 / 3, 1, 11 / 3, 1.1]
    )
    assert [found["execution"][key] for key in ("signal", "noise", "snr", "share")] == pytest.approx(
        [-1 / 3, 4 / 3, -1 / 4, -0.1]
    )
    # without batch 0, 1, 2 the signal of planning is 6, 3, 2; mean 11/3, squares (49 + 4 + 25)/9 = 26/3; s^2 = 2/3 * 26/3
    half = T2 * np.sqrt(52 / 9)
    assert found["planning"]["signal_ci"] == pytest.approx([11 / 3 - half, 11 / 3 + half])


def test_the_interval_of_a_share_by_hand() -> None:
    # planning as above; execution (0,1) in every batch: signal 1 always. Shares without one: 6/7, 3/4, 2/3; with all 11/14.
    found = analysed([[1, 0], [2, 0], [3, 0]], [[0, 1]] * 3)["kinds"]["planning"]
    assert found["share"] == pytest.approx(11 / 14)
    low, high = jackknife_interval(11 / 14, np.array([6 / 7, 3 / 4, 2 / 3]))
    assert found["ci"] == pytest.approx([low, high])
    # half width: their mean is .757937, s^2 = 2/3 (.099206^2 + .007937^2 + .091270^2) = .0121567; 4.30265 s = .4744
    assert (high - low) / 2 == pytest.approx(0.4744, abs=1e-4)
    # the interval holds 1/2: 3 (half width / (11/14 - 1/2))^2 batches would do
    assert found["batches_needed"] == int(np.ceil(3 * ((high - 11 / 14) / (11 / 14 - 1 / 2)) ** 2))


def test_cosines_by_hand() -> None:
    # two batches, none = (1,1) and (3,0): the other batch is the mean of the others; cos = 3 / (sqrt 2 * 3) = 1/sqrt 2 for both
    # planning_only = (1,0) and (3,0): with (3,0) it is 1, with (1,1) it is 1/sqrt 2; mean (1 + .7071)/2
    found = analysed([[1, 0], [3, 0]], [[0, 1], [0, 0]])["methods"]
    assert found["none"]["cosine"] == pytest.approx(1 / np.sqrt(2))
    assert found["double"]["cosine"] == pytest.approx(1 / np.sqrt(2))
    assert found["planning_only"]["cosine"] == pytest.approx((1 + 1 / np.sqrt(2)) / 2)
    assert found["planning_only"]["difference"] == pytest.approx((1 - 1 / np.sqrt(2)) / 2)
    # U(m, g) = mean of <(1,0),(3,0)> and <(3,0),(1,1)> = 3; U(m, m) = 3; U(g, g) = <(1,1),(3,0)> = 3; 3 / sqrt(9) = 1
    assert found["planning_only"]["bias_cosine"] == pytest.approx(1)
    assert found["planning_only"]["cosine_ci"] is None  # two batches have no interval


def test_a_method_that_points_elsewhere_by_hand() -> None:
    # Without noise: planning (3,0), execution (0,4). none = (3,4), norm 5; planning only is 3/5 of the way.
    found = analysed([[3, 0]] * 4, [[0, 4]] * 4)
    method = found["methods"]["planning_only"]
    assert [method["cosine"], method["difference"], method["bias_cosine"]] == pytest.approx([0.6, -0.4, 0.6])
    assert method["cosine_ci"] == pytest.approx([0.6, 0.6])
    assert method["snr"] is None  # there is no noise
    assert found["kinds"]["planning"]["share"] == pytest.approx(9 / 25)
    assert found["warnings"] == []


@pytest.mark.parametrize("n", [3, 4, 7])
def test_every_number_against_a_slow_loop(n: int) -> None:
    rng = np.random.default_rng(n)
    planning, execution = rng.normal(0.6, 1, (n, 12)), rng.normal(0.4, 1, (n, 12))
    found = analysed(planning, execution)
    none = planning + execution

    def cosine(steps: np.ndarray, batches: list[int]) -> float:
        out = []
        for i in batches:
            others = np.mean([none[j] for j in batches if j != i], axis=0)
            out.append(steps[i] @ others / np.linalg.norm(steps[i]) / np.linalg.norm(others))
        return float(np.mean(out))

    every = list(range(n))
    for name, steps in (("none", none), ("double", 2 * none), ("planning_only", planning)):
        method = found["methods"][name]
        assert method["cosine"] == pytest.approx(cosine(steps, every))
        assert method["difference"] == pytest.approx(cosine(steps, every) - cosine(none, every), abs=1e-12)
        without = [[j for j in every if j != i] for i in every]
        two = [[k for k in every if k not in (i, j)] for i in every for j in every if i < j] if n > 3 else None
        whole = jackknife_interval(
            cosine(steps, every),
            np.array([cosine(steps, some) for some in without]),
            without_two=None if two is None else np.array([cosine(steps, some) for some in two]),
        )
        assert method["cosine_ci"] == pytest.approx(whole)
    for name, rows in (("planning", planning), ("execution", execution)):
        alone = gradient_signal(rows)
        assert found["kinds"][name]["signal"] == pytest.approx(alone.signal)
        assert found["kinds"][name]["noise"] == pytest.approx(alone.noise)
        assert found["kinds"][name]["signal_ci"] == pytest.approx([alone.low, alone.high])
    assert found["methods"]["planning_only"]["snr"] == pytest.approx(found["kinds"]["planning"]["snr"])


def test_the_reference_differs_from_itself_by_nothing() -> None:
    method = three()["methods"]["none"]
    assert (method["difference"], method["difference_ci"], method["batches_needed"]) == (0, [0, 0], None)
    assert method["bias_cosine"] == pytest.approx(1)
    assert three()["methods"]["double"]["cosine"] == pytest.approx(
        method["cosine"]
    )  # length does not matter to a direction


def test_a_kind_without_tokens_has_no_signal_and_nothing_is_divided_by_zero() -> None:
    with np.errstate(all="raise"):
        found = analysed(np.zeros((4, 2)), [[1, 0], [2, 0], [1, 1], [1, 0]])
        nothing = analysed(np.zeros((4, 2)), np.zeros((4, 2)))
    assert found["kinds"]["planning"]["snr"] is None
    assert (found["kinds"]["planning"]["signal"], found["kinds"]["planning"]["share"]) == (0, 0)
    assert found["methods"]["planning_only"]["cosine"] is None
    assert found["methods"]["planning_only"]["difference_ci"] is None
    assert "the gradient of planning_only is 0 in 4 of 4 batches" in found["warnings"]
    assert nothing["kinds"]["execution"]["share"] is None
    assert nothing["methods"]["none"] == dict.fromkeys(nothing["methods"]["none"])  # every key, and no number
    assert any("no signal above the noise" in text for text in nothing["warnings"])


def test_a_batch_without_a_gradient_counts_as_a_step_that_gains_nothing() -> None:
    # none = (1,0), (1,0), (0,0): the cosine is 1 for the first two batches, and 0 for the third (SIGNAL-1)
    found = analysed([[1, 0], [1, 0], [0, 0]], np.zeros((3, 2)))
    assert found["methods"]["none"]["cosine"] == pytest.approx(2 / 3)


def test_what_cannot_be_told_is_said_with_the_batches_that_would_do() -> None:
    rng = np.random.default_rng(0)
    found = analysed(rng.normal(0.35, 1, (8, 30)), rng.normal(0.15, 1, (8, 30)))
    share = found["kinds"]["planning"]
    assert share["ci"][0] < 0.5 < share["ci"][1]
    assert share["batches_needed"] > 8
    assert share["batches_needed"] == pytest.approx(found["kinds"]["execution"]["batches_needed"], abs=1)  # they mirror
    assert f"about {share['batches_needed']} batches would do" in " ".join(found["warnings"])
    assert any(text.startswith("whether a step of planning_only is better or worse") for text in found["warnings"])
    assert not any("step of none" in text for text in found["warnings"])


def test_further_kinds_have_shares_of_the_same_whole() -> None:
    kinds = [*KINDS, "label:plan"]
    coefficients = COEFFICIENTS | {"label:plan": np.array([0.5, 0.0])}
    vectors = [(np.array([[2.0, 0], [0, 1.0]]), coefficients)] * 3
    found = analyse(products(vectors, [*kinds, "none"]), kinds, ["none"])
    # planning 4, execution 1, the label's half of planning 1: shares 4/5, 1/5 and 1/5
    assert [found["kinds"][name]["share"] for name in kinds] == pytest.approx([0.8, 0.2, 0.2])


@given(seed=st.integers(0, 2**32), n=st.integers(4, 7), factor=st.sampled_from([1e-4, 3.0, 1e5]))
@settings(deadline=None, max_examples=30)
def test_order_and_scale_of_the_gradients_change_no_share_and_no_cosine(seed: int, n: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    planning, execution = rng.normal(0.5, 1, (n, 6)), rng.normal(0.5, 1, (n, 6))
    plain, order = analysed(planning, execution), rng.permutation(n)
    turned = analysed(factor * planning[order], factor * execution[order])
    for name in KINDS:
        one, other = plain["kinds"][name], turned["kinds"][name]
        assert other["signal"] == pytest.approx(factor**2 * one["signal"], rel=1e-6)
        assert other["noise"] == pytest.approx(factor**2 * one["noise"], rel=1e-6)
        assert (other["share"] is None) == (one["share"] is None)
        if one["share"] is not None:
            assert other["share"] == pytest.approx(one["share"], rel=1e-6)
    for name in METHODS:
        assert turned["methods"][name]["cosine"] == pytest.approx(plain["methods"][name]["cosine"], rel=1e-6)
        assert -1 - 1e-9 <= plain["methods"][name]["cosine"] <= 1 + 1e-9


def test_bad_input_is_named() -> None:
    good = (np.ones((2, 3)), COEFFICIENTS)
    with pytest.raises(DataError, match="no batches"):
        products([], KINDS)
    with pytest.raises(DataError, match=r"batch 1 have shape \(2, 4\).*length 3"):
        products([good, (np.ones((2, 4)), COEFFICIENTS)], KINDS)
    with pytest.raises(DataError, match="batch 1 is not finite"):
        products([good, (np.full((2, 3), np.inf), COEFFICIENTS)], KINDS)
    with pytest.raises(DataError, match="batch 0 has no coefficients of hicra"):
        products([good], ["planning", "hicra"])
    with pytest.raises(DataError, match="batch 0 has 3 components and coefficients of 2"):
        products([(np.ones((3, 3)), COEFFICIENTS)], KINDS)
    inner = products([good, good, good], [*KINDS, "none"])
    with pytest.raises(DataError, match="lack `none`"):
        analyse(inner, KINDS, ["hicra"])
    with pytest.raises(DataError, match="kinds begin with planning"):
        analyse(inner, ["execution", "planning"], ["none"])
    with pytest.raises(DataError, match=r"shape \(3, 3, 3, 3\)"):
        analyse(inner, KINDS, ["none", "hicra"])
    with pytest.raises(DataError, match="1 batch has no pair"):
        analyse(inner[:1, :, :1], KINDS, ["none"])
    with pytest.raises(ConfigError, match="confidence"):
        analyse(inner, KINDS, ["none"], confidence=95)
