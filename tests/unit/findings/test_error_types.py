"""Kinds of failures on plan_execute, from responses in the task's language whose kind is known, in known numbers."""

import doctest
import importlib
import math

import polars as pl
import pytest

from evidence_made import evidence_of
from hicra.tasks.plan_execute import PlanExecute

error_types = importlib.import_module("hicra.findings.error_types").error_types

CONFIG = {"task": {"name": "plan_execute", "settings": {}}}
PROMPT = "<bos> beads 13 16 14 goal 11 :"
RIGHT = "let us dip climb 13 - 16 = 17 ; 17 + 14 = 11 ; 11 - 11 = 0 ; that works answer 11"
WRONG = {
    "wrong_plan": "let us stack upwards 13 + 16 = 9 ; 9 + 14 = 3 ; 11 - 3 = 8 ; that fails answer 11",
    "wrong_execution": RIGHT.replace("13 - 16 = 17", "13 - 16 = 16"),
    "gave_up": "let us stack upwards 13 + 16 = 9 ; 9 + 14 = 3 ; 11 - 3 = 8 ; that fails so stop here answer none",
    "format": "answer 11",
}


def rows(step, right, **failures):
    texts = [RIGHT] * right + [WRONG[kind] for kind, count in failures.items() for _ in range(count)]
    return [
        {"step": step, "prompt": PROMPT, "response": text, "correct": text == RIGHT, "group_id": str(at // 2)}
        for at, text in enumerate(texts)
    ]


def found(table, config=CONFIG):
    return error_types(evidence_of([], pl.DataFrame(table), config))


def test_the_ends_of_a_run_by_hand():
    # ten steps, so the first and the last fifth have two steps each; those between do not count
    table = rows(1, 2, wrong_plan=4, gave_up=1, wrong_execution=1) + rows(2, 2, wrong_plan=2, format=2)
    table += [row for step in range(3, 9) for row in rows(step, 0, format=5)]
    table += rows(9, 6, wrong_execution=2) + rows(10, 6, wrong_plan=1, wrong_execution=1)
    told = found(table)
    first, last = told.figures["periods"]
    assert (first["period"], first["steps"], first["rollouts"]) == ("first", [1, 2], 14)
    assert first["counts"] == {"wrong_plan": 6, "wrong_execution": 1, "gave_up": 1, "format": 2}
    assert first["shares"] == pytest.approx({"wrong_plan": 0.6, "wrong_execution": 0.1, "gave_up": 0.1, "format": 0.2})
    assert first["planning_share"] == pytest.approx(7 / 10)
    assert (last["steps"], last["rollouts"]) == ([9, 10], 16)
    assert last["counts"] == {"wrong_plan": 1, "wrong_execution": 3, "gave_up": 0, "format": 0}
    assert last["planning_share"] == pytest.approx(1 / 4)
    moved = told.figures["planning_change"]
    assert moved["difference"] == pytest.approx(0.25 - 0.7)
    assert moved["low"] < -0.45 < moved["high"]
    # Newcombe: the low end is the difference - sqrt((0.25 - low of last)^2 + (high of first - 0.7)^2)
    low, high = last["planning_share_ci"][0], first["planning_share_ci"][1]
    assert moved["low"] == pytest.approx(-0.45 - math.hypot(0.25 - low, high - 0.7))
    assert "Of 10 failed rollouts in the first fifth of the steps (1 to 2)" in told.text
    assert "7 and 1 in number, 70\u00a0% and 25\u00a0% of the failures: these are too few failures" in told.text
    assert told.figures["unreadable"] == 0


def test_giving_up_is_an_error_of_planning_unless_a_right_plan_was_announced():
    slip = RIGHT.replace("13 - 16 = 17", "13 - 16 = 16").replace(
        "that works answer 11", "that fails so stop here answer none"
    )
    table = rows(1, 0, gave_up=2)
    table.append(table[0] | {"response": slip})
    [only] = found(table).figures["periods"]
    assert only["counts"]["gave_up"] == 3
    assert (only["planning_errors"], only["planning_share"]) == (2, pytest.approx(2 / 3))


def test_one_step_is_no_change():
    told = found(rows(3, 1, wrong_plan=1, gave_up=1))
    [only] = told.figures["periods"]
    assert (only["period"], only["steps"], only["rollouts"]) == ("all", [3, 3], 3)
    assert told.figures["planning_change"] is None
    assert "the only step" in told.text


def test_an_end_without_failures():
    told = found(rows(1, 1, wrong_plan=1) + rows(2, 4))
    assert told.figures["planning_change"] is None
    assert told.figures["periods"][1]["planning_share"] is None
    assert set(told.figures["periods"][1]["shares"].values()) == {None}
    assert "No rollout fails in the last saved step (2)." in told.text


def test_enough_failures_at_both_ends_give_a_change_with_its_interval():
    table = [row for step in (1, 2) for row in rows(step, 0, wrong_plan=10)]
    table += [row for step in range(3, 9) for row in rows(step, 1)]
    table += [row for step in (9, 10) for row in rows(step, 0, wrong_plan=5, format=5)]
    told = found(table)
    assert told.figures["planning_change"]["difference"] == pytest.approx(-0.5)
    assert "went from 20 to 10 in number, and from 100\u00a0% to 50\u00a0% of the failures (-50.0 points" in told.text


def test_one_step_at_each_end_says_too_little_and_gives_no_change():
    told = found(rows(1, 0, wrong_plan=22) + rows(2, 0, wrong_plan=21))
    assert "in the first saved step (1)" in told.text
    assert (
        "22 and 21 in number, 100\u00a0% and 100\u00a0% of the failures: one step at each end is too little"
        in told.text
    )
    assert "interval" not in told.text


def test_where_all_failures_of_both_ends_are_of_planning_no_interval_is_told():
    told = found([row for step in range(1, 11) for row in rows(step, 0, wrong_plan=12 if step < 3 else 11)])
    assert "went from 24 to 22 in number, and are 100\u00a0% of the failures at both ends." in told.text
    assert "interval" not in told.text


def test_unscorable_rollouts_and_unreadable_prompts_are_counted_and_not_scored():
    table = rows(1, 1, wrong_plan=2) + rows(2, 1, format=1)
    table[1] |= {"prompt": "What is 2 + 2?"}
    table.append(table[2] | {"correct": None})
    told = found(table)
    assert (told.figures["unreadable"], told.figures["unscorable"]) == (1, 1)
    assert told.figures["periods"][0]["counts"]["wrong_plan"] == 1
    assert "1 failure has a prompt that is none of the task" in told.text


def test_the_settings_of_the_run_count():
    retry = (
        "let us stack upwards 13 + 16 = 9 ; 9 + 14 = 3 ; 11 - 3 = 8 ; that fails switch the plan "
        + WRONG["wrong_execution"]
    )
    table = [{"step": 1, "prompt": PROMPT, "response": retry, "correct": False}]
    for attempts, kind in ((2, "wrong_execution"), (1, "wrong_plan")):
        config = {"task": {"name": "plan_execute", "settings": {"attempts": attempts}}}
        assert found(table, config).figures["periods"][0]["counts"][kind] == 1


def test_a_run_without_a_recorded_task_is_known_by_its_prompts():
    table = rows(1, 1, wrong_plan=2)
    assert found(table, {}).figures["periods"][0]["counts"]["wrong_plan"] == 2
    table[1] |= {"prompt": "What is 2 + 2?"}
    assert found(table, {}) is None


def test_what_is_missing():
    assert error_types(evidence_of([], pl.DataFrame(), CONFIG)) is None
    assert found(rows(1, 1, wrong_plan=1), {"task": {"name": "arithmetic"}}) is None
    assert found([row | {"correct": None} for row in rows(1, 1, wrong_plan=1)]) is None
    assert found([row | {"prompt": None} for row in rows(1, 1, wrong_plan=1)]) is None


def test_the_counts_of_real_problems_are_those_of_the_task():
    """Every problem with the plan of strategy 0: the plan is right where the task says so, and no reward is a failure."""
    task = PlanExecute()
    table = []
    for row in task.rows("train", 60):
        a, b, c, goal = (row[name] for name in ("a", "b", "c", "goal"))
        x, t = (a + b) % 20, (a + b + c) % 20
        lines = f"{a} + {b} = {x} ; {x} + {c} = {t} ; {goal} - {t} = {(goal - t) % 20} ;"
        text = f"we can pool everything {lines} that works answer {goal}"
        table.append(
            {
                "step": 1,
                "prompt": row["prompt"],
                "response": text,
                "correct": task.score(text, row, True).correct,
                "right": row["strategy"] == 0,
            }
        )
    [only] = found(table).figures["periods"]
    wrong = sum(not row["right"] for row in table)
    assert 0 < wrong < 60
    assert only["counts"] == {"wrong_plan": wrong, "wrong_execution": 0, "gave_up": 0, "format": 0}


def test_doctest():
    assert doctest.testmod(importlib.import_module("hicra.findings.error_counts")).failed == 0
