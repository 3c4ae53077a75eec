"""Why groups gave no gradient, group by group."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from evidence_made import evidence_of
from hicra.findings import look
from hicra.findings.no_gradient import group_outcomes, no_gradient
from hicra.findings.saved import Rollouts

R, W = (1.0, True, False), (0.0, False, False)  # reward, correct, truncated
CUT, LOST, HALF = (0.0, False, True), (None, None, False), (0.5, None, False)
GROUPS = {
    "mixed": [R, W], "all right": [R, R], "all wrong": [W, W], "half cut": [CUT, W], "all cut": [CUT, CUT],
    "unscorable": [LOST, LOST], "one reward": [R, LOST], "equal": [HALF, HALF], "mixed cut": [CUT, R],
}  # fmt: skip


def rows(groups: dict[str, list[Any]], step: int = 1) -> pl.DataFrame:
    made = [
        {"step": step, "group_id": name, "reward": reward, "correct": correct, "truncated": cut}
        for name, members in groups.items()
        for reward, correct, cut in members
    ]
    schema = {
        "step": pl.Int64,
        "group_id": pl.String,
        "reward": pl.Float64,
        "correct": pl.Boolean,
        "truncated": pl.Boolean,
    }
    return pl.DataFrame(made, schema=schema)


def test_each_reason_by_hand() -> None:
    expected = {"mixed": 2, "all right": 1, "all wrong": 2, "all cut": 1, "unscorable": 2, "equal rewards": 1}
    assert group_outcomes(Rollouts([rows(GROUPS)])) == expected
    found = no_gradient(evidence_of([], rows(GROUPS)))
    assert found is not None
    assert found.figures["no_gradient"] == 7
    assert found.alarm is True  # 7 of 9
    assert (
        "7 of 9 saved groups (77.8\u00a0%, 95\u00a0% interval 45.3\u00a0% to 93.7\u00a0%) gave no gradient: all right in 1, all "
        "wrong in 2, all cut in 1"
    ) in found.text
    assert (
        "equally often, are problems that are too hard for this model and rollouts that cannot be scored" in found.text
    )
    assert found.text.endswith("With 9 groups it is not sure that it is half or more.")


def test_the_main_reason_is_named_and_half_is_not_called_most() -> None:
    """4 of 8 groups; Wilson at z = 1.96: (0.5 + 0.2401 -+ 1.96 sqrt(0.03125 + 0.015006)) / 1.4802 = 0.215 and 0.785."""
    groups = {f"m{i}": [R, W] for i in range(4)} | {f"r{i}": [R, R] for i in range(3)} | {"w": [W, W]}
    found = no_gradient(evidence_of([], rows(groups)))
    assert found is not None
    assert found.alarm is True
    assert found.figures["share_ci"] == pytest.approx([0.2152, 0.7848], abs=1e-4)
    assert "The main reason is problems that are too easy for this model." in found.text
    assert "most" not in found.text


def test_what_is_sure_is_not_called_unsure() -> None:
    found = no_gradient(evidence_of([], rows({f"r{i}": [R, R] for i in range(4)})))  # Wilson: 4 of 4 is 51.0 % or more
    assert found is not None
    assert found.figures["share_ci"][1] <= 1
    assert "not sure" not in found.text


def test_less_than_half_is_no_alarm() -> None:
    found = no_gradient(evidence_of([], rows({"a": [R, W], "b": [R, W], "c": [R, R]})))
    assert found is not None
    assert found.alarm is False
    assert found.figures["share"] == pytest.approx(1 / 3)


def test_a_group_is_one_of_its_step_and_needs_two() -> None:
    both = pl.concat([rows({"a": [R, R]}, 1), rows({"a": [W, W], "alone": [R]}, 2)])
    assert group_outcomes(Rollouts([both])) == {
        "mixed": 0, "all right": 1, "all wrong": 1, "all cut": 0, "unscorable": 0, "equal rewards": 0
    }  # fmt: skip


def test_the_prompt_makes_groups_where_no_group_is_named() -> None:
    table = rows({"a": [R, W], "b": [R, R]}).with_columns(prompt=pl.col("group_id"), group_id=pl.lit(None, pl.String))
    counts = group_outcomes(Rollouts([table]))
    assert counts is not None
    assert (counts["mixed"], counts["all right"]) == (1, 1)


def test_verdicts_stand_for_rewards() -> None:
    counts = group_outcomes(Rollouts([rows({"a": [R, W], "b": [W, W]}).drop("reward")]))
    assert counts is not None
    assert (counts["mixed"], counts["all wrong"]) == (1, 1)


def test_the_metric_stands_in_where_nothing_was_saved() -> None:
    found = no_gradient(
        evidence_of([{"step": 1, "hicra/mixed_groups": 0.2}, {"step": 2, "hicra/mixed_groups": 0.4}], pl.DataFrame())
    )
    assert found is not None
    assert found.figures["share"] == pytest.approx(0.7)
    assert found.alarm is True
    assert no_gradient(evidence_of([{"step": 1}], pl.DataFrame())) is None
    assert no_gradient(evidence_of([], rows({"a": [LOST, LOST]}))) is None


def test_groups_of_one_rollout_say_nothing() -> None:
    single = rows({"a": [R], "b": [W], "c": [W]})
    assert group_outcomes(Rollouts([single])) == {}
    assert no_gradient(evidence_of([{"step": 1, "hicra/mixed_groups": 0.0}], single)) is None


def test_rollouts_without_a_step_train_nothing_and_raise_no_alarm() -> None:
    evidence = evidence_of([], rows(GROUPS), {"stepless": True})
    assert no_gradient(evidence) is None
    why = look(evidence).unlooked["no_gradient"]
    assert (
        why == "no rollout has a step (column step), so nothing says that a model is trained on them; see mixed_groups"
    )
