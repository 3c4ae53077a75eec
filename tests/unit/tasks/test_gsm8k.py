"""GSM8K from a user's files: strict reading, disjoint splits, limits, and messages that name file and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from hicra.errors import ConfigError, DataError
from hicra.tasks.gsm8k import Gsm8k
from hicra.verify import Gold
from paths import SHARED

BENCH = SHARED / "bench"
TRAIN = [
    {"question": "Two and two?", "answer": "2 + 2 = <<2+2=4>>4\n#### 4"},
    {"question": "How much is 1,000 plus 1?", "answer": "1,001", "id": "b"},
    {"question": "A long question about ten apples and nothing else?", "answer": "#### 10"},
]
EVAL = [{"question": "Three and three?", "answer": "#### 6"}]


def write(path: Path, rows: list[Any]) -> str:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    return {
        "train_file": write(tmp_path / "train.jsonl.gz", TRAIN),
        "eval_file": write(tmp_path / "test.jsonl", EVAL),
    }


def test_rows_hold_the_question_and_the_bare_answer(files: dict[str, str]) -> None:
    rows = {row["question"]: row for row in Gsm8k(**files).rows("train")}
    assert {question: row["answer"] for question, row in rows.items()} == {
        "Two and two?": "4",
        "How much is 1,000 plus 1?": "1,001",
        "A long question about ten apples and nothing else?": "10",
    }
    assert {row["id"] for row in rows.values()} == {"train.jsonl.gz:1", "b", "train.jsonl.gz:3"}
    assert [message["role"] for message in rows["Two and two?"]["prompt"]] == ["system", "user", "assistant", "user"]
    assert Gsm8k(**files, shots=0).rows("eval")[0]["prompt"][-1] == {"role": "user", "content": "Three and three?"}


def test_the_order_is_fixed_by_the_seed(files: dict[str, str]) -> None:
    task = Gsm8k(**files)
    orders = {tuple(row["question"] for row in task.rows("train", None, seed)) for seed in range(20)}
    assert len(orders) > 1
    assert task.rows("train", 2, 5) == task.rows("train", None, 5)[:2]


def test_long_questions_can_be_left_out(files: dict[str, str]) -> None:
    assert len(Gsm8k(**files, max_question_chars=25).rows("train")) == 2
    with pytest.raises(ConfigError, match="at most 3"):
        Gsm8k(**files, max_question_chars=3).rows("train")


def test_score_takes_thousands_separators(files: dict[str, str]) -> None:
    row = {"answer": "1,001"}
    assert Gsm8k(**files).score(r"\boxed{1001}", row, True).correct is True
    assert Gsm8k(**files, answer_mode="boxed").score("1001", row, True).reward == 0.0
    assert Gsm8k(**files).labels("1001", row, True) is None


def test_a_shared_question_is_refused(tmp_path: Path, files: dict[str, str]) -> None:
    files["eval_file"] = write(tmp_path / "both.jsonl", [*EVAL, {"question": "  two AND two", "answer": "4"}])
    for split in ("train", "eval"):
        with pytest.raises(DataError, match=r"1 question of .*both.jsonl is in .*line 2 \(there line 1\)"):
            Gsm8k(**files).rows(split)


def test_a_file_that_is_not_given_or_not_there_is_named(files: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="train_file is not set"):
        Gsm8k().rows("train")
    with pytest.raises(ConfigError, match=r"eval_file is not set[\s\S]*eval_share"):
        Gsm8k(train_file=files["train_file"]).rows("eval")
    with pytest.raises(ConfigError, match=r"task.settings.train_file: no such file: absent.jsonl"):
        Gsm8k(train_file="absent.jsonl").rows("train")
    assert Gsm8k(eval_file=files["eval_file"]).rows("eval")


@pytest.mark.parametrize(
    "bad",
    [
        {"file": "x"},
        {"shots": 2},
        {"shots": True},
        {"shots": 1.0},
        {"max_question_chars": 0},
        {"max_question_chars": "9"},
        {"train_file": 3},
        {"answer_mode": "boxes"},
        {"shots": 0, "prompt": "paper"},
    ],
)
def test_bad_settings_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        Gsm8k(**bad)


@pytest.mark.data
@pytest.mark.skipif(not BENCH.is_dir(), reason="no ../shared/data")
@pytest.mark.slow
def test_the_real_files_are_read_whole_and_are_disjoint() -> None:
    task = Gsm8k(train_file=str(BENCH / "gsm8k_train.jsonl.gz"), eval_file=str(BENCH / "gsm8k_test.jsonl.gz"))
    assert (len(task.rows("train")), len(task.rows("eval"))) == (7473, 1319)
    rows = [row for split in ("train", "eval") for row in task.rows(split)]
    assert not any(Gold((row["answer"],)).bad for row in rows)
    assert all(
        score.correct for score in task.score_all([f"so {row['answer']}." for row in rows], rows, [True] * len(rows))
    )
