"""Advantages as sums of a few rows: by hand, for every method of the table, and where rows nearly coincide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import credit
from hicra.errors import DataError
from hicra.signal.components import Components, components


def sums(found: Components) -> dict[str, np.ndarray]:
    """What the coefficients make of the basis, [B,T] of each name."""
    return {name: np.einsum("r,rbt->bt", factors, found.basis) for name, factors in found.coefficients.items()}


def batch(rows: int = 16, width: int = 12, group: int = 4, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Advantages [B,T] of groups of several difficulties, and the fields that every method of the table needs."""
    rng = np.random.default_rng(seed)
    live = np.arange(width) < rng.integers(3, width + 1, rows)[:, None]
    rewards = (rng.random(rows) < np.repeat([0.25, 0.5, 0.75, 0.4], rows // 4)).astype(float)
    rewards[:group] = [1, 0, 0, 0]  # p = 1/4
    rewards[group : 2 * group] = [1, 1, 1, 0]  # p = 3/4
    ids = np.repeat(np.arange(rows // group), group)
    fields = {
        "response_ids": rng.integers(0, 9, live.shape), "response_mask": live, "group_ids": ids, "rewards": rewards,
        "planning_mask": (rng.random(live.shape) < 0.4) & live, "entropies": rng.exponential(0.5, live.shape),
        "old_logprobs": -rng.exponential(0.5, live.shape), "truncated": rng.random(rows) < 0.2,
        "n_tool_calls": rng.integers(0, 3, rows), "turn_ids": np.zeros(live.shape, int),
        "action_ids": np.zeros(live.shape, int), "level_ids": np.zeros(live.shape, int),
        "state_ids": rng.integers(0, 4, live.shape), "kind_weights": np.array([0.75, 0.25]),
        "waad": rng.exponential(3.0, live.shape), "fai": rng.exponential(0.02, live.shape),
    }  # fmt: skip
    return np.repeat(credit.group_advantages(rewards, ids)[:, None], width, axis=1), fields


def named(methods: list[str], **settings_of: Any) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The advantages of both kinds and of these methods, and the policy tokens."""
    advantages, fields = batch()
    planning, live = fields["planning_mask"], fields["response_mask"]
    out = {"planning": np.where(planning, advantages, 0), "execution": np.where(live & ~planning, advantages, 0)}
    return out | {name: credit.METHODS[name](advantages, fields, **settings_of) for name in methods}, live


def test_by_hand() -> None:
    # One right and one wrong rollout, two tokens each, of which the first plans; alpha 1/2.
    # planning [1 0 / -1 0] is the first row, execution [0 1 / 0 -1] shares no token with it and is the second.
    # hicra [1.5 1 / -.5 -1] minus 1.5 planning (its largest entry is the first) minus 1 execution leaves [0 0 / 1 0], the third.
    a = np.array([[1.0, 1.0], [-1.0, -1.0]])
    mask = np.array([[True, False], [True, False]])
    found = components(
        {"planning": a * mask, "execution": a * ~mask, "none": a, "hicra": credit.hicra(a, mask, 0.5)},
        np.ones((2, 2), bool),
    )
    assert found.basis.tolist() == [[[1, 0], [-1, 0]], [[0, 1], [0, -1]], [[0, 0], [1, 0]]]
    assert {name: factors.tolist() for name, factors in found.coefficients.items()} == {
        "planning": [1, 0, 0], "execution": [0, 1, 0], "none": [1, 1, 0], "hicra": [1.5, 1, 1],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("methods", "rows"),
    [
        (["none", "planning_only", "execution_only"], 2),
        (["none", "hicra"], 3),  # and the sizes of the advantages on planning tokens
        (["none", "hicra", "hicra_positive", "hicra_negative"], 3),  # A where A > 0 is (A + |A|) / 2
        (["none", "hicra_bonus"], 3),  # p (1 - p) on planning tokens
        (["none", "hicra_difficulty"], 3),  # p A on planning tokens
        # |A| = (1 - 2p) A + 2p (1 - p): HICRA is a sum of its parts, so it needs no row of its own beside them.
        (["none", "hicra", "hicra_difficulty", "hicra_bonus"], 4),
        (["none", "difficulty_all"], 3),
        (["none", "placebo"], 3),  # no sum of the others
        (["none", "hicra", "placebo", "entropy_advantage"], 5),
        (["none", "shuffled_rows", "random_tokens"], 4),
    ],
)
def test_how_many_rows_methods_need(methods: list[str], rows: int) -> None:
    advantages, live = named(methods)
    found = components(advantages, live)
    assert len(found.basis) == rows
    for name, values in sums(found).items():
        np.testing.assert_allclose(values[live], advantages[name][live], atol=1e-12, err_msg=name)


def test_every_method_of_the_table_comes_back() -> None:
    advantages, live = named(list(credit.METHODS))
    found = components(advantages, live)
    assert list(found.coefficients) == list(advantages)
    assert len(found.basis) < len(credit.METHODS)
    for name, values in sums(found).items():
        np.testing.assert_allclose(values[live], advantages[name][live], atol=1e-12, err_msg=name)
    assert (found.basis[:, ~live] == 0).all()


def test_several_strengths_of_one_method_share_a_row() -> None:
    a, fields = batch()
    strengths = {f"hicra@alpha={alpha}": credit.METHODS["hicra"](a, fields, alpha=alpha) for alpha in (0.1, 0.2, 0.8)}
    assert len(components({"none": a, **strengths}, fields["response_mask"]).basis) == 2


def test_a_row_of_zeros_needs_nothing() -> None:
    a = np.array([[1.0, 2.0]])
    live = np.ones((1, 2), bool)
    found = components({"planning": np.zeros((1, 2)), "none": a}, live)
    assert found.basis.tolist() == [[[1, 2]]]
    assert found.coefficients["planning"].tolist() == [0]
    empty = components({"planning": np.zeros((1, 2))}, live)
    assert empty.basis.shape == (0, 1, 2)
    assert empty.coefficients["planning"].shape == (0,)
    assert components({"none": a}, np.zeros((1, 2), bool)).basis.shape == (0, 1, 2)  # no policy token at all


@pytest.mark.parametrize("alphas", [(1e-9,), (1e-9, 0.2), (0.2, 1e-9, 1e-6)])
def test_rows_that_nearly_coincide_do_not_blow_up_the_coefficients(alphas: tuple[float, ...]) -> None:
    a, fields = batch()
    live = fields["response_mask"]
    methods = {f"{alpha}": credit.METHODS["hicra"](a, fields, alpha=alpha) for alpha in alphas}
    advantages = {"none": a, **methods}
    found = components(advantages, live)
    assert len(found.basis) == 2
    assert max(np.abs(factors).max() for factors in found.coefficients.values()) < 2
    for name, values in sums(found).items():
        np.testing.assert_allclose(values[live], advantages[name][live], atol=1e-12)


def test_rounding_of_float32_makes_no_row() -> None:
    advantages, live = named(["none", "hicra", "hicra_difficulty", "hicra_bonus", "hicra_recentred"])
    double = components(advantages, live)
    single = components({name: values.astype(np.float32) for name, values in advantages.items()}, live)
    assert len(single.basis) == len(double.basis)
    assert single.basis.dtype == np.float64


@given(
    seed=st.integers(0, 2**32), rank=st.integers(1, 4), many=st.integers(1, 8), scale=st.sampled_from([1e-6, 1.0, 1e6])
)
@settings(deadline=None)
def test_no_more_rows_than_the_rank_and_the_sums_come_back(seed: int, rank: int, many: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(rank, 4, 6))
    live = rng.random((4, 6)) < 0.8
    live[0] = True
    advantages = {str(i): scale * np.einsum("r,rbt->bt", rng.normal(size=rank), rows) for i in range(many)}
    dirty = {
        name: np.where(live, values, np.nan) for name, values in advantages.items()
    }  # what is no token never matters
    found = components(dirty, live)
    assert len(found.basis) <= min(rank, many)
    largest = max(np.abs(values[live]).max() for values in advantages.values())
    for name, values in sums(found).items():
        np.testing.assert_allclose(values[live], advantages[name][live], atol=1e-12 * largest)


def test_bad_input_is_named() -> None:
    live = np.ones((2, 3), bool)
    with pytest.raises(DataError, match="no advantages"):
        components({}, live)
    with pytest.raises(DataError, match=r"advantages of hicra have shape \(2,\).*\(2, 3\)"):
        components({"none": np.ones((2, 3)), "hicra": np.ones(2)}, live)
    with pytest.raises(DataError, match="advantages of hicra are not finite"):
        components({"none": np.ones((2, 3)), "hicra": np.full((2, 3), np.nan)}, live)
