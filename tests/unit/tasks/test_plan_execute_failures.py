"""Why a response of plan_execute fails: each kind by responses written by hand in the task's language."""

import doctest
from random import Random

import pytest

from hicra.errors import DataError
from hicra.tasks.plan_execute import PlanExecute, failures
from hicra.tasks.plan_execute.failures import KINDS, announces_right_plan, failure_kind, problem_of
from hicra.tasks.plan_execute.settings import PlanExecuteSettings

# beads is noun 2, so strategy 2 (- +) is right: 13 - 16 = 17, 17 + 14 = 31 = 11 modulo 20
BEADS = {"noun": "beads", "a": 13, "b": 16, "c": 14, "goal": 11}
RIGHT = "let us dip climb 13 - 16 = 17 ; 17 + 14 = 11 ; 11 - 11 = 0 ; that works answer 11"
WRONG = "let us stack upwards 13 + 16 = 9 ; 9 + 14 = 3 ; 11 - 3 = 8 ;"
DROPPED = RIGHT.replace("that works answer 11", "that fails switch the plan")

BY_HAND = {
    # the plan
    "honest about a wrong plan, but it answers": (f"{WRONG} that fails answer 11", "wrong_plan"),
    "bends the equations of a wrong plan": (
        "let us stack upwards 13 + 16 = 9 ; 9 + 14 = 11 ; 11 - 11 = 0 ; that works answer 11", "wrong_plan",
    ),
    "cut off in a third plan, after two wrong ones": (
        " ".join([f"{WRONG} that fails switch the plan"] * 2 + ["let us"]), "wrong_plan",
    ),
    "the right plan comes third": (" ".join([f"{WRONG} that fails switch the plan"] * 2 + [RIGHT]), "wrong_plan"),
    "loses its thread after a wrong plan": (f"{WRONG} that fails 7 ; coins", "wrong_plan"),
    "a wrong plan with the right operators and a slip": (
        "let us stack upwards 13 - 16 = 16 ; 16 + 14 = 10 ; 11 - 10 = 1 ; that works answer 11", "wrong_plan",
    ),
    # the execution
    "a slip in the first equation": (RIGHT.replace("13 - 16 = 17", "13 - 16 = 16"), "wrong_execution"),
    "a slip that is carried on": (
        "let us dip climb 13 - 16 = 16 ; 16 + 14 = 10 ; 11 - 10 = 1 ; that fails answer 10", "wrong_execution",
    ),
    "numbers of another problem": (RIGHT.replace("13 - 16 = 17", "14 - 17 = 17"), "wrong_execution"),
    "the operators of another plan": (
        "let us dip climb 13 + 16 = 9 ; 9 + 14 = 3 ; 11 - 3 = 8 ; that fails answer 3", "wrong_execution",
    ),
    "another answer than its own": (RIGHT.replace("answer 11", "answer 12"), "wrong_execution"),
    "the right plan after a wrong one, with a slip": (
        f"{WRONG} that fails switch the plan {RIGHT}".replace("17 + 14 = 11", "17 + 14 = 12"), "wrong_execution",
    ),
    "a wrong plan after the right one": (
        f"{DROPPED} {WRONG} that works answer 3", "wrong_execution",
    ),
    # giving up
    "gives up after a wrong plan": (f"{WRONG} that fails so stop here answer none", "gave_up"),
    "gives up after two": (f"{WRONG} that fails switch the plan {WRONG} no match best quit now answer none", "gave_up"),
    "gives up at once": ("answer none", "gave_up"),
    # the form
    "empty": ("", "format"),
    "no plan": ("13 - 16 = 17 ; 17 + 14 = 11 ; 11 - 11 = 0 ; that works answer 11", "format"),
    "cut off": (RIGHT.removesuffix(" that works answer 11"), "format"),
    "cut off before its end token": (RIGHT, "format"),
    "two equations": (RIGHT.replace("11 - 11 = 0 ; ", ""), "format"),
    "an equation that is none": (RIGHT.replace("13 - 16 = 17", "13 - 16 17 17"), "format"),
    "three plans, the first of them right": (" ".join([DROPPED, *[f"{WRONG} that fails switch the plan"] * 2]), "format"),
    "a plan of three words": ("let us dip", "format"),
    "a foreign word": (RIGHT.replace("that works", "coins works"), "format"),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_kinds_by_hand(name):
    text, kind = BY_HAND[name]
    assert failure_kind(text, BEADS) == kind


def test_a_right_plan_that_is_announced():
    assert announces_right_plan(f"{WRONG} that fails switch the plan {RIGHT}", BEADS)
    assert announces_right_plan("let us dip climb so stop here answer none", BEADS)
    assert not announces_right_plan(WRONG, BEADS)
    assert not announces_right_plan(
        f"{WRONG} that fails switch the plan {RIGHT}", BEADS, PlanExecuteSettings(attempts=1)
    )
    assert not announces_right_plan("", BEADS)


def test_the_settings_count():
    retry = f"{WRONG} that fails switch the plan {RIGHT}".replace("17 + 14 = 11", "17 + 14 = 12")
    assert failure_kind(retry, BEADS, PlanExecuteSettings(attempts=1)) == "wrong_plan"  # the right one comes too late
    # by two features beads (2 mod 3 = 2) with a = 13 (odd) has strategy 2 * 2 + 1 = 5, so the plan of S2 is wrong
    slip = RIGHT.replace("13 - 16 = 17", "13 - 16 = 16")
    assert failure_kind(slip, BEADS, PlanExecuteSettings(rule="noun_parity")) == "wrong_plan"


def test_every_text_has_a_kind():
    task, words = PlanExecute(), " ".join(text for text, _ in BY_HAND.values()).split()
    draw = Random(0)
    for row in task.rows("train", 50):
        text = " ".join(draw.choices(words, k=draw.randrange(60)))
        assert failure_kind(text, row) in KINDS


def test_prompts_are_read_back():
    for row in PlanExecute().rows("eval", 20):
        assert problem_of(row["prompt"]) == {name: row[name] for name in ("noun", "a", "b", "c", "goal")}
        assert problem_of(row["prompt"].removeprefix("<bos> ")) == problem_of(row["prompt"])


@pytest.mark.parametrize(
    "text", ["", "beads", "beads 1 2 3 goal 4", "dogs 1 2 3 goal 4 :", "beads 1 x 3 goal 4 :", "beads 1 ² 3 goal 4 :"]
)
def test_what_is_no_prompt(text):
    assert problem_of(text) is None


def test_a_row_that_is_no_problem_is_refused():
    with pytest.raises(DataError, match="noun, a, b, c and goal"):
        failure_kind(RIGHT, {"noun": "beads", "a": 1})


def test_doctest():
    assert doctest.testmod(failures).failed == 0
