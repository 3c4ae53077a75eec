"""Scoring by the final answer, through the one verifier of the process: modes, golds, shares, what cannot be judged."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra.errors import ConfigError, DataError
from hicra.tasks import answers, judge
from hicra.tasks.base import Score, score_all
from hicra.tasks.prompts import WORKED
from hicra.verify import Gold
from hicra.verify.item import Answer


@pytest.mark.parametrize(
    ("response", "row", "mode", "verdict"),
    [
        (r"\boxed{12}", {"answer": "12"}, "boxed", "correct"),
        (r"\boxed{12.0}", {"answer": "12"}, "boxed", "correct"),
        (r"\boxed{12.0}", {"answer": "12"}, "strict", "wrong"),
        (r"\boxed{13} no, 12", {"answer": "12"}, "lenient", "wrong"),
        (r"\boxed{} 12", {"answer": "12"}, "lenient", "no_answer"),
        ("it is 12.", {"answer": "12"}, "boxed", "no_answer"),
        ("it is 12.", {"answer": "12"}, "strict", "no_answer"),
        ("it is 12.", {"answer": "12"}, "lenient", "correct"),
        ("it is", {"answer": "12"}, "lenient", "no_answer"),
        (r"\boxed{1,001}", {"answer": "1001"}, "boxed", "correct"),
        (r"\boxed{9, -2}", {"answer": "-2, 9", "answers": ["-2", "9"]}, "boxed", "correct"),
        (r"\boxed{9}", {"answer": "-2, 9", "answers": ["-2", "9"]}, "boxed", "wrong"),
        (r"\boxed{0.11}", {"answer": "0.1", "error": "5e-2"}, "boxed", "correct"),
        (r"\boxed{0.2}", {"answer": "0.1", "error": "5e-2"}, "boxed", "wrong"),
        (r"\boxed{14}", {"answer": "B", "also": ["14"]}, "boxed", "correct"),
        (r"\boxed{(B)}", {"answer": "B", "also": ["14"]}, "boxed", "correct"),
        (r"\boxed{C}", {"answer": "B", "also": ["14"]}, "boxed", "wrong"),
        (r"\boxed{1}", {"answer": ""}, "boxed", None),
    ],
)
def test_verdicts_by_mode_and_gold(response: str, row: dict[str, Any], mode: Any, verdict: str | None) -> None:
    if verdict is None:
        with pytest.raises(DataError, match="has no answer"):
            judge.score([response], [{}], mode)
        return
    (score,) = judge.score([response], [row], mode)
    assert score.verdict == verdict
    assert (score.reward, score.correct) == ((1.0, True) if verdict == "correct" else (0.0, False))


def test_what_cannot_be_judged_is_none_and_counted() -> None:
    scores = [
        judge._score(Answer(verdict, "x", 0.1)) for verdict in ("correct", "timeout", "error", "bad_gold", "wrong")
    ]  # type: ignore[arg-type]
    assert [score.reward for score in scores] == [1.0, None, None, None, 0.0]
    assert [score.correct for score in scores] == [True, None, None, None, False]
    # of several golds, one that fits is enough, and a doubt outweighs a no
    assert judge._best([Answer("wrong", "x", 0), Answer("correct", "x", 0)]).verdict == "correct"
    assert judge._best([Answer("wrong", "x", 0), Answer("timeout", "x", 0)]).verdict == "timeout"


def test_a_blank_gold_never_pays() -> None:
    (score,) = judge.score([r"\boxed{}"], [{"answer": " "}], "boxed")
    assert (score.reward, score.verdict) == (None, "bad_gold")


def test_an_unknown_mode_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"key: no answer mode 'boxd'[\s\S]*did you mean 'boxed'"):
        judge.mode_of("boxd", "key")
    with pytest.raises(ConfigError, match="no answer mode 3"):
        judge.mode_of(3, "key")
    assert judge.mode_of("boxed_or_last_number", "key") == "lenient"


def test_shares_by_hand() -> None:
    responses, rows = [r"\boxed{4}", r"\boxed{5}", "it is 4", "no idea"], [{"answer": "4"}] * 4
    assert answers.summary(responses, rows) == {
        "boxed_share": 0.5, "right_boxed_share": 0.25, "right_share": 0.5, "unjudged_share": 0.0,
    }  # fmt: skip
    assert answers.summary([], []) == {}


class OneByOne:
    def score(self, response: str, row: Any, ended: bool) -> Score:
        return Score(float(len(response)), None)


def test_score_all_goes_one_by_one_where_a_task_has_nothing_better() -> None:
    assert [one.reward for one in score_all(OneByOne(), ["a", "bb"], [{}, {}], [True, True])] == [1.0, 2.0]  # type: ignore[arg-type]
    with pytest.raises(DataError, match="2 responses, 1 rows"):
        score_all(OneByOne(), ["a", "bb"], [{}], [True, True])  # type: ignore[arg-type]


def test_the_worked_examples_are_right() -> None:
    for _, text in WORKED:
        assert judge.check([text], [Gold(("7",))])[0].verdict == "correct"


def test_plain_answers_start_no_process_and_algebra_leaves_none_behind() -> None:
    pytest.importorskip("math_verify")
    code = r"""
import os
from hicra.tasks import judge

def children():
    return open(f"/proc/self/task/{os.getpid()}/children").read().split()

assert judge.score(["\\boxed{12}"], [{"answer": "12"}], "boxed")[0].reward == 1.0
assert not children(), "a number needs no worker"
assert judge.score(["\\boxed{(x-1)(x+1)}"], [{"answer": "x^2-1"}], "boxed")[0].reward == 1.0
assert judge.score(["\\boxed{(x+1)(x-1)}"], [{"answer": "x^2-1"}], "lenient")[0].reward == 1.0
assert 1 <= len(children()) <= 2, "one set of workers for both modes"
print(" ".join(children()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    for child in done.stdout.split():
        assert subprocess.run(["kill", "-0", child], capture_output=True, check=False).returncode != 0


@settings(max_examples=60, deadline=None)
@given(
    st.text(alphabet="\\boxed{}$%frac,./-+0123456789 \n", max_size=200), st.text(alphabet="0123456789./", max_size=8)
)
def test_a_lenient_verdict_never_loses_an_answer_in_a_box(text: str, gold: str) -> None:
    row = {"answer": gold or "1"}
    boxed, lenient = (judge.score([text], [row], mode)[0] for mode in ("boxed", "lenient"))
    assert boxed.verdict in ("no_answer", lenient.verdict)
