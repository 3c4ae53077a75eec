"""reasoning_gym: nothing of a model's text runs, in our process or in the worker; work is bounded; rows are reproducible."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hicra.errors import ConfigError, EngineError
from hicra.tasks.base import make_task
from hicra.tasks.reasoning_gym import process
from hicra.tasks.reasoning_gym.process import GENERATE_S, GYM
from hicra.tasks.reasoning_gym.refused import REFUSED
from hicra.tasks.reasoning_gym.task import ReasoningGym, answer_of
from hicra.tasks.reasoning_gym.worker import Worker

installed = pytest.mark.skipif(importlib.util.find_spec("reasoning_gym") is None, reason="no reasoning-gym")
SCORED = (  # each with a scorer that reads what is in the answer, and is not one of `REFUSED`
    "bitwise_arithmetic", "number_sorting", "pool_matrix", "coin_flip", "complex_arithmetic", "codeio", "group_anagrams", "jugs",
    "fraction_simplification", "knights_knaves",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<answer>7</answer>", "7"), ("<answer>1</answer> no, <answer> 2 </answer>", "2"),
        ("<answer>1</answer><answer> </answer>", "1"),
        ("<answer>a\nb</answer>", "a\nb"), ("<answer>7", None), ("7</answer>", None), ("7", None), ("", None),
        ("<answer></answer>", None), ("<answer>1<answer>2</answer>", "2"), ("</answer>" * 50_000, None),
        ("<answer></answer>" * 30_000 + "<answer>", None),
    ],
)  # fmt: skip
def test_the_answer_is_the_last_complete_one(text: str, found: str | None) -> None:
    begin = time.process_time()
    assert answer_of(text) == found
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({}, "dataset is None"),
        ({"dataset": "x", "sise": 3}, r"no such setting[\s\S]*mean 'size'"),
        ({"dataset": "x", "config": {"seed": 1}}, "config"),
        ({"dataset": "x", "size": 1}, "size is 1"),
        ({"dataset": "x", "partial": 1}, "partial"),
        ({"dataset": "x", "timeout": 0.1}, "timeout"),
        ({"dataset": "x", "prompt": "papr"}, "did you mean 'paper'"),
    ],
)
def test_bad_settings_are_refused(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ReasoningGym(**bad)


@pytest.mark.parametrize("dataset", sorted(REFUSED))
def test_a_data_set_whose_scorer_runs_the_answer_is_refused_with_the_reason_and_near_ones(dataset: str) -> None:
    why, near = REFUSED[dataset]
    with pytest.raises(ConfigError, match=f"'{dataset}' is refused: its scorer {why}") as caught:
        make_task("reasoning_gym", dataset=dataset)
    assert ", ".join(near) in caught.value.fix


@installed
def test_the_worker_knows_no_refused_data_set() -> None:
    for dataset in REFUSED:  # whoever asks it past the task
        reply = GYM.ask({"what": "items", "dataset": dataset, "config": {"seed": 0, "size": 10}, "indices": [0]}, 60)
        assert reply["failed"] == "it is not registered"
        assert dataset not in reply["known"]


@installed
def test_another_version_of_the_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"import importlib.metadata;importlib.metadata.version = lambda name: '9.9';{process._CODE}"
    monkeypatch.setattr(process, "_CODE", code)
    with pytest.raises(EngineError, match=r"reasoning-gym 0\.1\.25 .the scorers of 9\.9 were not read") as caught:
        process.Gym().ask({}, 60)
    assert caught.value.fix == "pip install reasoning-gym==0.1.25"


@installed
def test_rows_are_seeded_distinct_and_disjoint() -> None:
    task = make_task("reasoning_gym", dataset="chain_sum")
    rows = task.rows("train", 6, 3)
    assert rows == task.rows("train", 8, 3)[:6]
    assert rows != task.rows("train", 6, 4)
    assert not {row["question"] for row in task.rows("train", 40)} & {row["question"] for row in task.rows("eval", 10)}
    assert list(rows[0]) == ["id", "prompt", "question", "answer", "index"]
    assert "reasoning_gym" not in sys.modules  # it lives in the worker alone


@installed
@pytest.mark.parametrize("dataset", SCORED)
def test_no_text_runs_and_right_answers_pay(dataset: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    task = make_task("reasoning_gym", dataset=dataset)
    row = task.rows("train", 1)[0]
    assert task.score(f"so <answer>{row['answer']}</answer>", row, True).reward == 1.0
    for text in (
        f"__import__('os').system('touch {canary}')",
        f"open('{canary}', 'w')",
        f"[open('{canary}', 'w')]",
        f"().__class__.__base__.__subclasses__() or open('{canary}', 'w')",
        f"exec(\"open('{canary}', 'w')\")",
        f"import os; os.system('touch {canary}')",
        f"(lambda: open('{canary}', 'w'))()",
        f"Symbol('x').__init__.__globals__['__builtins__']['open']('{canary}', 'w')",
        "__import__('os').kill(__import__('os').getppid(), 9)",
        "__import__('os')._exit(0)",
    ):
        score = task.score(f"<answer>{text}</answer>", row, True)
        assert (score.reward, score.correct) in ((0.0, False), (None, None)), text
        assert not canary.exists(), text


@installed
def test_an_answer_that_takes_forever_is_a_timeout_and_the_next_one_gets_a_new_worker() -> None:
    task = make_task("reasoning_gym", dataset="coin_flip", timeout=1.0)
    row = task.rows("train", 1)[0]
    first = GYM._process
    assert task.score("<answer>" + "1" * 9000 + "</answer>", row, True).verdict == "wrong"
    assert task.score("none", row, True).verdict == "no_answer"
    assert GYM._process is first
    late = task.score("<answer>1e300000000</answer>", row, True)  # its scorer makes a whole number of that
    assert (late.reward, late.correct, late.verdict) == (None, None, "timeout")
    assert task.score(f"<answer>{row['answer']}</answer>", row, True).reward == 1.0
    assert GYM._process is not first


@installed
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is not bounded")
def test_an_answer_that_takes_all_memory_is_an_error_and_the_worker_lives_on() -> None:
    task = make_task("reasoning_gym", dataset="propositional_logic", timeout=600)
    row = task.rows("train", 1)[0]
    before = GYM._process
    variables = " ∧ ".join("abcdefghijklmnopqrstuvwxyz")  # the scorer lists all 2 ** 26 assignments
    assert task.score(f"<answer>{variables}</answer>", row, True).verdict == "error"
    assert GYM._process is before


def test_a_scorer_that_writes_into_its_problem_changes_no_later_score(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pops:
        def __getitem__(self, index: int) -> dict[str, Any]:
            return {"question": "?", "answer": "7", "metadata": ["7"]}

        def score_answer(self, answer: str, entry: dict[str, Any]) -> float:
            return float(answer == entry["metadata"].pop())

    bounds: list[float] = []
    monkeypatch.setattr("hicra.tasks.reasoning_gym.worker.cpu_limit", bounds.append)
    worker = Worker()
    worker.sets[json.dumps(["pops", {}])] = Pops()
    request = {"what": "score", "dataset": "pops", "config": {}, "index": 0, "timeout": 60}
    scores = [worker.answer({**request, "answer": answer}) for answer in ("7", "8", "7")]
    assert scores == [{"score": 1.0}, {"score": 0.0}, {"score": 1.0}]
    assert bounds == [GENERATE_S, 60] * 3


@installed
def test_a_killed_worker_is_none_once_and_replaced() -> None:
    task = make_task("reasoning_gym", dataset="leg_counting")
    row = task.rows("train", 1)[0]
    assert GYM._process is not None
    child = GYM._process.child
    os.kill(child.pid, 9)
    child.wait()
    assert task.score(f"<answer>{row['answer']}</answer>", row, True).reward == 1.0


@installed
def test_an_unknown_data_set_and_a_scorer_that_pays_for_nonsense_are_named() -> None:
    with pytest.raises(ConfigError, match=r"'chain_smu'.*not registered[\s\S]*mean 'chain_sum'"):
        make_task("reasoning_gym", dataset="chain_smu").rows("train", 1)
    with pytest.raises(ConfigError, match=r"config"):
        make_task("reasoning_gym", dataset="chain_sum", config={"min_numbrs": 3}).rows("train", 1)
    with pytest.raises(ConfigError, match="pays for 'there is no answer'"):
        make_task("reasoning_gym", dataset="game_of_life_halting").rows("train", 8)


@installed
def test_partial_scores_are_paid_where_asked_for() -> None:
    task = make_task("reasoning_gym", dataset="sentence_reordering", partial=True)
    row = task.rows("train", 1)[0]
    score = task.score(f"<answer>{row['answer']} more</answer>", row, True)
    assert (score.reward, score.correct) == (0.05, False)  # a word too many
