"""The plan-execute task: hand-worked scores, labels and figures; problems, split, bounds; hostile responses."""

from __future__ import annotations

import math
import subprocess
import sys
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demonstrations import drill, strategy_weights, trace
from hicra.errors import ConfigError, DataError
from hicra.tasks.base import make_task
from hicra.tasks.plan_execute import PlanExecute
from hicra.tasks.plan_execute.language import (
    BODIES,
    EXECUTE_WORDS,
    ID_OF,
    NUMBERS,
    OPERATOR_WORDS,
    PLAN_WORDS,
    REFLECT_WORDS,
    VOCABULARY,
    language_of,
    max_new_tokens,
)
from hicra.tasks.plan_execute.parsing import parse, planning_mask
from hicra.tasks.plan_execute.problems import OPERATORS, all_problems, bounds, carry_out
from hicra.tasks.plan_execute.settings import PlanExecuteSettings
from paths import ROOT

TASK = PlanExecute()
PEBBLES = {"id": "p", "noun": "pebbles", "a": 10, "b": 12, "c": 3, "goal": 17}
ONE = "i will stretch drop 10 * 12 = 0 ; 0 - 3 = 17 ; 17 - 17 = 0 ; that works answer 17"
BEADS = {"id": "b", "noun": "beads", "a": 13, "b": 16, "c": 14, "goal": 11}
FIRST = "let us stack upwards 13 + 16 = 9 ; 9 + 14 = 3 ; 11 - 3 = 8 ; that fails switch the plan"
TWO = f"{FIRST} let us dip climb 13 - 16 = 17 ; 17 + 14 = 11 ; 11 - 11 = 0 ; that works answer 11"
LAST = TWO.removeprefix(FIRST).strip()


def reward(response, row=BEADS, ended=True, task=TASK):
    return task.score(response, row, ended).reward


# ---- hand-worked examples


@pytest.mark.parametrize(("response", "row", "goal"), [(ONE, PEBBLES, "17"), (TWO, BEADS, "11"), (LAST, BEADS, "11")])
def test_right_responses_pay(response, row, goal):
    score = TASK.score(response, row, True)
    assert (score.reward, score.correct, score.extracted) == (1.0, True, goal)


def test_parsing_takes_a_response_apart():
    parsed = parse(TWO, TASK.language)
    assert [(attempt.strategy, attempt.start) for attempt in parsed.attempts] == [(0, 0), (2, 27)]
    assert [len(attempt.equations) for attempt in parsed.attempts] == [3, 3]
    assert all(equation.right for equation in parsed.equations)
    assert all(attempt.consistent for attempt in parsed.attempts)
    assert parsed.attempts[0].executed == ("+", "+")
    assert parsed.answer == "11"


def test_labels_and_mask_of_the_hand_worked_response():
    expected = ["plan"] * 4 + ["execute"] * 18 + ["reflect"] * 2 + ["format"] * 2
    assert TASK.labels(ONE, PEBBLES, True) == expected
    assert planning_mask(ONE.split()) == [function in ("plan", "reflect") for function in expected]
    two = ["plan"] * 4 + ["execute"] * 18 + ["reflect"] * 5 + expected
    assert TASK.labels(TWO, BEADS, True) == two
    ids = np.array([[ID_OF[word] for word in TWO.split()] + [ID_OF["<eos>"]]])
    assert TASK.planning_mask(ids).tolist() == [[function in ("plan", "reflect") for function in two] + [False]]
    assert TASK.labels("goal answer works", BEADS, True) == ["other", "format", "format"]


def test_summary_of_three_hand_worked_responses():
    lost = "we can keep adding 10 + 12 = 3 ; 3 + 3 = 6 ; 17 - 6 = 11 ; no match so stop here answer none"
    figures = TASK.summary([ONE, TWO, lost], [PEBBLES, BEADS, PEBBLES], [True, True, False])
    assert figures == pytest.approx(
        {
            "accuracy": 2 / 3,
            "ended_share": 2 / 3,
            "first_plan_right": 1 / 3,
            "attempts": 4 / 3,
            "retry_share": 1 / 3,
            "retries_after_failure": 1 / 2,
            "equations_right": 11 / 12,  # 10 + 12 = 2, not 3
            "consistent": 1.0,
            "strategy_entropy": math.log(3) - 2 / 3 * math.log(2),  # S5, S0, S0
            "plan_forms_entropy": math.log(4),
        }
    )
    assert TASK.summary([], [], []) == {}
    assert "equations_right" not in TASK.summary(["answer"], [BEADS], [True])  # no equation: no figure
    with pytest.raises(DataError):
        TASK.summary([ONE], [], [])


def test_equations_cut_off_do_not_count_but_broken_ones_do():
    assert [e.right for e in parse("let us keep adding 13 + 16 = 9 ; 9 + 14", TASK.language).equations] == [True]
    broken = parse("let us keep adding 13 + 16 ; 9 + 14 = 3 that fails", TASK.language)
    assert [e.right for e in broken.equations] == [False, False]
    assert parse("", TASK.language).attempts == ()
    assert parse("3 + 4 = 7 ;", TASK.language).equations[0].right


# ---- hostile responses never pay

HOSTILE = {
    "empty": "",
    "answer alone": "answer 11",
    "no plan": LAST.removeprefix("let us dip climb").strip(),
    "half a plan": LAST.removeprefix("let us").strip(),
    "plan alone": "let us dip climb that works answer 11",
    "false first equation": LAST.replace("13 - 16 = 17", "13 - 16 = 16"),
    "false second equation": "let us dip climb 13 - 16 = 17 ; 17 + 14 = 12 ; 11 - 11 = 0 ; that works answer 11",
    "cooked second equation": FIRST.replace("9 + 14 = 3 ; 11 - 3 = 8", "9 + 14 = 11 ; 11 - 11 = 0") + " answer 11",
    "true equations of another": "let us dip climb 5 + 6 = 11 ; 11 + 0 = 11 ; 11 - 11 = 0 ; that works answer 11",
    "chain broken": "let us dip climb 13 - 16 = 17 ; 7 + 4 = 11 ; 11 - 11 = 0 ; that works answer 11",
    "no check": "let us dip climb 13 - 16 = 17 ; 17 + 14 = 11 ; that works answer 11",
    "check false": LAST.replace("11 - 11 = 0", "11 - 11 = 11"),
    "check of nothing": LAST.replace("11 - 11 = 0", "0 - 0 = 0"),
    "a fourth equation": LAST.replace("0 ; that", "0 ; 1 + 1 = 2 ; that"),
    "a fourth, unfinished": LAST.replace("0 ; that", "0 ; 1 + that"),
    "wrong answer": LAST.replace("answer 11", "answer 12"),
    "no answer": LAST.replace("answer 11", ""),
    "gives up": LAST.replace("answer 11", "answer none"),
    "words after the answer": LAST + " works",
    "two answers": LAST + " answer 11",
    "answer spelled otherwise": LAST.replace("answer 11", "answer 011"),
    "upper case": LAST.upper(),
    "wrong goal": "let us stack upwards 13 + 16 = 9 ; 9 + 14 = 3 ; 11 - 3 = 8 ; that fails answer 11",
    "three attempts": f"{FIRST} {TWO}",
    "one announced, two not": " ".join([FIRST.removeprefix("let us stack upwards ")] * 2) + " " + LAST,
    "junk before": "coins " * 40 + LAST,
    "junk between": LAST.replace("that works", "that works coins"),
    "unknown words": LAST.replace("that works", "<unk>"),
    "equations glued": LAST.replace(" ; ", " "),
    "an attempt after the right one": TWO.replace(" answer 11", "") + " " + FIRST + " answer 11",
    "the right attempt first": LAST.replace("answer 11", "") + FIRST + " answer 11",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_responses_never_pay(name):
    score = TASK.score(HOSTILE[name], BEADS, True)
    assert (score.reward, score.correct) == (0.0, False)


@pytest.mark.parametrize(("response", "row"), [(ONE, PEBBLES), (TWO, BEADS)])
def test_nothing_pays_without_the_end_token(response, row):
    assert reward(response, row, ended=False) == 0.0


def test_attempts_allowed():
    one, three = PlanExecute(attempts=1), PlanExecute(attempts=3)
    assert reward(LAST, task=one) == 1.0
    assert reward(TWO, task=one) == 0.0
    assert reward(f"{FIRST} {TWO}", task=three) == 1.0
    assert reward(f"{FIRST} {FIRST} {TWO}", task=three) == 0.0


def test_announced_plan_need_not_agree():
    assert reward(LAST.replace("dip climb", "carve off")) == 1.0
    figures = TASK.summary([LAST.replace("dip climb", "carve off")], [BEADS], [True])
    assert (figures["consistent"], figures["first_plan_right"]) == (0.0, 0.0)


@given(st.lists(st.sampled_from([*VOCABULARY, "junk"]), max_size=60), st.booleans())
def test_any_words_are_read_and_almost_none_pay(words, ended):
    response = " ".join(words)
    assert TASK.score(response, BEADS, ended).reward == 0.0
    labels = TASK.labels(response, BEADS, ended)
    assert [label in ("plan", "reflect") for label in labels] == planning_mask(response.split())
    for value in TASK.summary([response], [BEADS], [ended]).values():
        assert math.isfinite(value)


@given(st.text(max_size=200))
def test_any_text_is_read(text):
    assert TASK.score(text, BEADS, True).reward == 0.0


@given(st.integers(0, len(TWO.split()) - 1), st.sampled_from(EXECUTE_WORDS))
def test_changing_one_execution_word_of_the_last_attempt_loses_the_reward_unless_still_true(at, word):
    words = TWO.split()
    changed = [*words[:at], word, *words[at + 1 :]]
    if at >= 31 and at not in (49, 50) and changed != words:  # the last attempt's equations and the answer
        assert reward(" ".join(changed)) == 0.0


# ---- problems


def test_counts_of_the_specification():
    problems = all_problems()
    assert len(problems.goal) == 70_784
    assert np.bincount(problems.strategy).tolist() == [11_056] * 4 + [13_280] * 2
    assert len(set(problems.code.tolist())) == 70_784
    assert problems.is_eval.sum() == 7_005
    assert (~problems.is_eval).sum() == 63_779


def test_hand_worked_problem_is_there_and_reached_by_one_strategy():
    assert [carry_out(s, 10, 12, 3) for s in range(6)] == [5, 19, 1, 15, 3, 17]
    everything = {row["id"]: row for split in ("train", "eval") for row in TASK.rows(split)}
    row = everything["pebbles-10-12-3-17"]
    assert row["prompt"] == "<bos> pebbles 10 12 3 goal 17 :"
    assert row["strategy"] == 5
    assert len(everything) == 70_784


def test_splits_are_disjoint_and_ordered_by_the_seed():
    train, held_out = TASK.rows("train"), TASK.rows("eval")
    assert not {row["id"] for row in train} & {row["id"] for row in held_out}
    assert TASK.rows("eval", 20) == held_out[:20]
    assert TASK.rows("eval", 20, seed=1) != held_out[:20]
    assert sorted(r["id"] for r in TASK.rows("eval", seed=1)) == sorted(r["id"] for r in held_out)
    assert [row["id"] for row in held_out[:2]] == EVAL_HEAD
    assert len(TASK.rows("eval", 10**6)) == 7_005
    assert TASK.rows("train", 0) == []
    strategies = np.bincount([row["strategy"] for row in TASK.rows("eval", 1024)])
    assert strategies.min() > 120  # each strategy has its share of the fixed evaluation set


EVAL_HEAD = ["acorns-18-15-11-12", "pebbles-12-13-1-15"]


@pytest.mark.parametrize("rule", ["noun", "noun_parity"])
@pytest.mark.parametrize("nouns", [6, 24])
def test_goals_are_reached_by_the_right_strategy_alone(nouns, rule):
    problems = all_problems(nouns, rule)
    results = np.stack([carry_out(s, problems.a, problems.b, problems.c) for s in range(6)])
    assert ((results == problems.goal).sum(axis=0) == 1).all()
    assert (results[problems.strategy, np.arange(len(problems.goal))] == problems.goal).all()
    assert set(problems.strategy.tolist()) == set(range(6))
    if rule == "noun_parity":
        assert (problems.strategy == 2 * (problems.noun % 3) + problems.a % 2).all()


def test_bounds():
    two = bounds(PlanExecuteSettings())
    assert two["uniform_one"] == pytest.approx(1 / 6)
    assert two["uniform"] == pytest.approx(1 / 3)
    assert two["fixed_one"] == pytest.approx(13_280 / 70_784)
    assert two["fixed"] == pytest.approx(2 * 13_280 / 70_784)
    assert two["perfect"] == 1.0
    assert PlanExecute(attempts=3).bounds["uniform"] == pytest.approx(1 / 2)


def test_bounds_are_what_policies_get(monkeypatch):
    """Perfect execution of plans drawn without the noun, a retry after every failure, scored by the task."""
    monkeypatch.setattr("demonstrations.NATURAL_RETRY", 1.0)
    random = Random(0)
    rows = TASK.rows("eval", 3000)
    settings = PlanExecuteSettings(skew=1 / 6, hint=1)
    responses = [" ".join(VOCABULARY[i] for i in trace(random, row, settings).ids[8:-1]) for row in rows]
    figures = TASK.summary(responses, rows, [True] * len(rows))
    assert figures["accuracy"] == pytest.approx(1 / 3, abs=0.03)
    assert figures["first_plan_right"] == pytest.approx(1 / 6, abs=0.025)
    assert figures["strategy_entropy"] == pytest.approx(math.log(6), abs=0.01)
    assert (figures["equations_right"], figures["consistent"]) == (1.0, 1.0)


# ---- language


def test_functions_are_disjoint_and_phrases_distinct():
    groups = [set(PLAN_WORDS), set(REFLECT_WORDS), set(EXECUTE_WORDS), {"answer", "none", "goal", ":"}]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert len(VOCABULARY) == len(set(VOCABULARY)) == 124
    first = [{body.split()[0] for body in bodies} for bodies in BODIES]
    assert sum(map(len, first)) == len(set.union(*first)) == 18
    language = language_of(PlanExecuteSettings())
    assert len(language.plans) == 54
    assert len(language.phrases) == len(set(language.phrases)) == 66
    assert [language.plans[tuple(f"let us {bodies[0]}".split())][0] for bodies in BODIES] == list(range(6))


def test_settings_change_the_language():
    trap = PlanExecute(trap=True)
    assert "let us keep cutting" in trap.phrases
    assert "let us carve off" not in trap.phrases
    assert trap.language.bodies[3][0].split()[0] == trap.language.bodies[0][0].split()[0]
    assert "let us keep cutting" not in TASK.phrases
    single = PlanExecute(paraphrases=1)
    assert len(single.language.plans) == 6
    assert reward(LAST, task=single) == 0.0
    assert reward(LAST.replace("dip climb", "drain fill"), task=single) == 1.0


def test_longest_legal_response():
    assert [max_new_tokens(n) for n in (1, 2, 3)] == [30, 57, 84]
    assert TASK.max_new_tokens == 57
    assert len(TWO.split()) + 1 == 54
    random = Random(1)
    rows = TASK.rows("train", 300)
    lengths = [len(trace(random, row, PlanExecuteSettings(), forced=True).ids) - 8 for row in rows]
    assert max(lengths) == 57
    assert 8 + max_new_tokens(3) <= 96  # the context of the warm starts


def test_demonstrations():
    blind = PlanExecuteSettings(hint=1.0)
    assert strategy_weights(blind, 2, []) == pytest.approx([0.8] + [0.04] * 5)
    assert strategy_weights(blind, 2, [0]) == pytest.approx([0.0] + [0.04] * 5)
    assert strategy_weights(PlanExecuteSettings(), 2, [0, 4]) == pytest.approx([0.0, 0.04, 0.08, 0.04, 0.0, 0.04])
    random = Random(3)
    example = drill(random)
    assert len(example.ids) == 37
    assert sum(example.in_loss) == 6
    rows = TASK.rows("train", 400)
    natural = [trace(random, row, PlanExecuteSettings()) for row in rows]
    responses = [" ".join(VOCABULARY[i] for i in example.ids[8:-1]) for example in natural]
    figures = TASK.summary(responses, rows, [True] * len(rows))
    assert figures["equations_right"] == figures["consistent"] == 1.0
    assert figures["retries_after_failure"] == pytest.approx(0.25, abs=0.07)
    assert all(not any(example.in_loss[:8]) and all(example.in_loss[8:]) for example in natural)
    forced = trace(
        Random(0), next(row for row in rows if row["noun"] == "beads"), PlanExecuteSettings(skew=0.99), forced=True
    )
    left_out = [VOCABULARY[i] for i, used in zip(forced.ids, forced.in_loss, strict=True) if not used][8:]
    assert len(left_out) == 1
    assert left_out[0] in {"try", "switch", "think"}
    for row in rows[:60]:
        words = [VOCABULARY[i] for i in trace(random, row, PlanExecuteSettings(), forced=True).ids[8:-1]]
        attempts = parse(" ".join(words), TASK.language).attempts
        assert len(attempts) == 1 + (attempts[0].strategy != row["strategy"])


# ---- settings and errors


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"nuons": 12}, "did you mean 'nouns'"),
        ({"nouns": 13}, "6, 12, 18, 24"),
        ({"nouns": 12.0}, "nouns"),
        ({"rule": "parity"}, "noun_parity"),
        ({"skew": 1.0}, "skew"),
        ({"skew": 0.1}, "skew"),
        ({"skew": True}, "skew"),
        ({"hint": 0.5}, "hint"),
        ({"paraphrases": 4}, "1, 2, 3"),
        ({"attempts": 0}, "1, 2, 3"),
        ({"attempts": True}, "attempts"),
        ({"trap": 1}, "trap"),
    ],
)
def test_wrong_settings_are_refused(settings, part):
    with pytest.raises(ConfigError, match=part):
        make_task("plan_execute", **settings)


def test_wrong_rows_and_names_are_refused():
    with pytest.raises(DataError, match="goal"):
        TASK.score(ONE, {"id": "p", "noun": "pebbles", "a": 1, "b": 2, "c": 3}, True)
    with pytest.raises(DataError, match="pebbles"):
        TASK.score(ONE, {**PEBBLES, "noun": "pebbels"}, True)
    with pytest.raises(ConfigError, match="eval"):
        TASK.rows("evla")
    with pytest.raises(ConfigError, match="strong"):
        TASK.warm_start("storng")
    with pytest.raises(ConfigError):
        TASK.rows("eval", -1)


def test_the_task_needs_no_torch():
    code = "import sys; from hicra.tasks.base import make_task; t = make_task('plan_execute'); t.rows('eval', 4); "
    code += "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'tokenizers')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_operators_are_the_specified_ones():
    assert OPERATORS == (("+", "+"), ("+", "-"), ("-", "+"), ("-", "-"), ("*", "+"), ("*", "-"))
    assert tuple(map(str, range(20))) == NUMBERS
    assert OPERATOR_WORDS == ("+", "-", "*")


def test_the_recipes_phrase_list_is_the_tasks():

    path = ROOT / "recipes" / "plan-execute" / "phrases.txt"
    assert path.read_text().split("\n")[:-1] == PlanExecute().phrases
