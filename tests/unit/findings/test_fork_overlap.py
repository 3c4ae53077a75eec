"""The overlap of planning and high-entropy tokens, on tokens that are planted so that every figure is known."""

import doctest
import importlib

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_made import evidence_of

module = importlib.import_module("hicra.findings.fork_overlap")
fork_overlap, top_share = module.fork_overlap, module.top_share
VALUES = st.lists(st.integers(0, 4).map(float), min_size=1, max_size=40).map(np.array)


def evidence(*rows, step=None):
    columns = {
        "step": list(step or [1] * len(rows)), "response": [""] * len(rows),
        "entropies": [entropies for entropies, _ in rows], "planning_mask": [mask for _, mask in rows],
    }  # fmt: skip
    return evidence_of([], pl.DataFrame(columns))


# 20 tokens: 6 (30 %) have entropy 2. Of 5 planning tokens 3 are among them: P(high | planning) = 3/5, which is twice 0.3, and
# P(planning | high) = 3/6, which is twice the planning share of 5/20. The ceiling is 0.25 / 0.3 = 5/6.
TWICE = ([2.0] * 6 + [1.0] * 14, [1] * 3 + [0] * 3 + [1] * 2 + [0] * 12)


def test_a_planted_lift_of_two():
    figures = fork_overlap(evidence(TWICE)).figures
    assert figures["p_high_given_planning"] == pytest.approx(3 / 5)
    assert figures["p_planning_given_high"] == pytest.approx(3 / 6)
    assert figures["planning_share"] == pytest.approx(5 / 20)
    assert figures["ceiling"] == pytest.approx(5 / 6)
    assert figures["lift"] == pytest.approx(2)
    assert figures["lift_ci"] == pytest.approx([2, 2])  # one rollout is all that can be drawn
    assert (figures["tokens"], figures["rollouts"], figures["left_out"]) == (20, 1, 0)
    assert "first" not in figures


def test_equal_rollouts_have_no_spread_and_unequal_ones_do():
    same = fork_overlap(evidence(*[TWICE] * 10))
    assert same.figures["lift_ci"] == pytest.approx([2, 2])
    assert "2 times that of chance" in same.text
    assert "more often" in same.text
    # in half of the rollouts no planning token is high, in the others all are: lift 0 and 1 / 0.3 over equal halves, 5/3
    none = ([2.0] * 3 + [1.0] * 7, [0] * 7 + [1] * 3)
    all_ = ([2.0] * 3 + [1.0] * 7, [1] * 3 + [0] * 7)
    mixed = fork_overlap(evidence(*[none, all_] * 10)).figures
    low, high = mixed["lift_ci"]
    assert mixed["lift"] == pytest.approx(5 / 3)
    # the lift is 10/3 times the share of such rollouts, 10 of 20, whose standard deviation is sqrt(1/80) = 0.112: 5/3 -+ 0.73
    assert (low, high) == pytest.approx((0.93, 2.40), abs=0.2)


def test_many_rollouts_are_drawn_in_bundles(monkeypatch):
    # as above with 2000 rollouts in 100 bundles: the standard deviation is 10/3 sqrt(1/8000) = 0.0373, whatever the bundles
    none = ([2.0] * 3 + [1.0] * 7, [0] * 7 + [1] * 3)
    all_ = ([2.0] * 3 + [1.0] * 7, [1] * 3 + [0] * 7)
    monkeypatch.setattr(module, "BUNDLES", 100)
    low, high = fork_overlap(evidence(*[none, all_] * 1000)).figures["lift_ci"]
    assert low < 5 / 3 < high
    assert high - low == pytest.approx(2 * 1.96 * 0.0373, rel=0.25)


def test_a_mask_that_knows_nothing_of_entropy_has_lift_one():
    rng = np.random.default_rng(0)
    rows = [(rng.random(50).tolist(), (rng.random(50) < 0.1).astype(int).tolist()) for _ in range(200)]
    found = fork_overlap(evidence(*rows))
    low, high = found.figures["lift_ci"]
    assert low < 1 < high
    assert high - low < 0.3
    assert "chance alone may give" in found.text


def test_the_highest_tokens_are_those_of_their_step():
    # step 2 has ten times the entropies of step 1; taken together no token of step 1 would be high, and the lift would be 1
    row, larger = TWICE, ([10 * value for value in TWICE[0]], TWICE[1])
    figures = fork_overlap(evidence(row, larger, step=[1, 2])).figures
    assert figures["lift"] == pytest.approx(2)
    assert figures["first"]["step"] == 1
    assert figures["first"]["lift"] == figures["last"]["lift"] == pytest.approx(2)


def test_what_is_missing():
    assert fork_overlap(evidence_of([], pl.DataFrame())) is None
    assert fork_overlap(evidence_of([], pl.DataFrame({"step": [1], "response": ["a"]}))) is None
    nulls = {"step": [1], "entropies": [None], "planning_mask": [[1]]}
    assert fork_overlap(evidence_of([], pl.DataFrame(nulls))) is None
    empty = fork_overlap(evidence(([1.0, 2.0], [0, 0])))
    assert (empty.figures["lift"], empty.figures["lift_ci"]) == (None, None)
    assert "No token is a planning token" in empty.text


def test_rollouts_whose_lists_do_not_fit_are_counted_out():
    rows = [TWICE, ([1.0], [1, 0]), (None, [1]), ([], [])]
    figures = fork_overlap(evidence(*rows)).figures
    assert figures["lift"] == pytest.approx(2)
    assert (figures["rollouts"], figures["left_out"]) == (1, 3)


def test_tokens_without_a_value_are_left_out():
    entropies, mask = TWICE
    figures = fork_overlap(evidence(([None, *entropies, None], [1, *mask, 0]))).figures
    assert (figures["lift"], figures["tokens"]) == (pytest.approx(2), 20)


# ---- the highest tokens
@given(VALUES, st.sampled_from([0.1, 0.3, 0.5, 1.0]))
def test_exactly_the_share_is_high(values, share):
    high = top_share(values, share)
    assert high.sum() == pytest.approx(share * len(values))
    assert ((high >= 0) & (high <= 1 + 1e-12)).all()
    order = np.random.default_rng(0).permutation(len(values))
    assert top_share(values[order], share) == pytest.approx(high[order])
    assert (np.diff(high[np.argsort(values)]) >= -1e-12).all()  # a larger entropy is never less high


def test_doctest():
    assert doctest.testmod(module).failed == 0
