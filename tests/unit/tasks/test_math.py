"""The task "math": any file of questions and answers, seeded splits, prompts by name, and bad input by file and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

from hicra.corpus import records
from hicra.errors import ConfigError, DataError, EngineError
from hicra.tasks import files, questions
from hicra.tasks.base import make_task
from hicra.tasks.benchmarks import BENCHMARKS
from hicra.tasks.math import MathTask, read_benchmark
from hicra.tasks.presets import preset_of
from hicra.tasks.prompts import TEMPLATES, plain, template_of
from paths import SHARED

ROWS = [{"question": f"What is {n} + {n}?", "answer": str(2 * n), "id": f"q{n}"} for n in range(1, 41)]


def write(path: Path, rows: list[Any]) -> str:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if path.suffix == ".gz":
        data = gzip.compress(data)
    if path.suffix == ".zst":
        data = zstandard.compress(data)
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize("name", ["q.jsonl", "q.jsonl.gz", "q.jsonl.zst", "q [1]*.parquet"])
def test_every_kind_of_file_reads_the_same(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        pl.DataFrame(ROWS).write_parquet(path)
    else:
        write(path, ROWS)
    rows = MathTask(train_file=str(path), answer_mode="lenient").rows("train", None, 0)
    assert sorted(row["id"] for row in rows) == sorted(row["id"] for row in ROWS)
    assert list(rows[0]) == ["id", "prompt", "question", "answer"]


def test_parquet_is_read_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "SLICE_ROWS", 7)
    monkeypatch.setattr(records, "MIN_SLICE", 1)
    pl.DataFrame(ROWS).write_parquet(tmp_path / "q.parquet")
    read = list(files.read_rows(tmp_path / "q.parquet", "x"))
    assert [where.line for where, _ in read] == list(range(1, 41))
    assert [row for _, row in read] == ROWS


def test_a_hash_splits_a_file_by_seed_and_keeps_equal_questions_together(tmp_path: Path) -> None:
    path = write(tmp_path / "q.jsonl", [*ROWS, {"question": " what IS 3 + 3", "answer": "6", "id": "again"}])
    sides = []
    for seed in (0, 1):
        task = MathTask(train_file=path, eval_share=0.3, split_seed=seed)
        train, held = ({row["id"] for row in task.rows(split)} for split in ("train", "eval"))
        assert not train & held
        assert len(train | held) == 41
        assert 4 <= len(held) <= 20
        assert ("q3" in held) == ("again" in held)
        sides.append(held)
    assert sides[0] != sides[1]


def test_order_by_seed_and_prefix(tmp_path: Path) -> None:
    task = MathTask(train_file=write(tmp_path / "q.jsonl", ROWS))
    assert task.rows("train", 5, 3) == task.rows("train", 9, 3)[:5] != task.rows("train", 5, 4)


def test_several_files_and_the_form_that_verl_reads(tmp_path: Path) -> None:
    one = write(tmp_path / "a.jsonl", ROWS[:2])
    two = write(
        tmp_path / "b.jsonl",
        [{"prompt": [{"role": "user", "content": "Find x. Please reason step by step."}], "reward_model": {"ground_truth": "7"}}],
    )  # fmt: skip
    task = MathTask(train_file=[one, two], cut_at=["Please reason"], prompt="question")
    rows = {row["id"]: row for row in task.rows("train")}
    assert set(rows) == {"q1", "q2", "b.jsonl:1"}
    assert rows["b.jsonl:1"]["prompt"] == [{"role": "user", "content": "Find x."}]
    assert rows["b.jsonl:1"]["answer"] == "7"
    assert task.files == {"train": (one, two), "eval": ()}


def test_prompts_by_name_and_by_text(tmp_path: Path) -> None:
    path = write(tmp_path / "q.jsonl", ROWS[:1])
    paper = MathTask(train_file=path, prompt="paper").rows("train")[0]["prompt"]
    assert paper == [
        {
            "role": "user",
            "content": "What is 1 + 1?\nPlease reason step by step, and put your final answer within \\boxed{}.",
        }
    ]
    own = MathTask(train_file=path, prompt="Q: {question} {x}").rows("train")[0]["prompt"]
    assert own[0]["content"] == "Q: What is 1 + 1? {x}"
    text = MathTask(train_file=path, prompt="one-shot", chat=False).rows("train")[0]["prompt"]
    assert text.startswith("Think step by step briefly.")
    assert text.endswith("Question: What is 1 + 1?\n\nAnswer:")
    assert text == plain(TEMPLATES["one-shot"].messages("What is 1 + 1?"))
    with pytest.raises(ConfigError, match=r"no prompt template 'papr'[\s\S]*did you mean 'paper'"):
        template_of("papr", "p")


def test_the_model_s_own_chat_template_takes_the_messages(tmp_path: Path) -> None:
    jinja2 = pytest.importorskip("jinja2")
    chatml = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
    row = MathTask(train_file=write(tmp_path / "q.jsonl", ROWS[:1]), prompt="brief").rows("train")[0]
    text = jinja2.Template(chatml).render(messages=row["prompt"])
    assert text.count("<|im_start|>") == 3
    assert "user\nWhat is 1 + 1?<|im_end|>" in text


def test_scores_and_summary(tmp_path: Path) -> None:
    task = MathTask(train_file=write(tmp_path / "q.jsonl", ROWS[:1]), eval_share=0.0)
    row = task.rows("train")[0]
    scores = task.score_all([r"\boxed{2}", r"\boxed{3}", "2"], [row] * 3, [True] * 3)
    assert [score.reward for score in scores] == [1.0, 0.0, 0.0]
    assert task.summary([r"\boxed{2}", "2"], [row] * 2, [True] * 2)["right_share"] == 1.0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "holds no question"),
        ([{"question": "a", "answer": "1", "id": 1}, {"question": "b", "answer": "1", "id": 1}], "line 2: id '1' was on line 1"),
        ([{"qestion": "a", "answer": "1"}],
         r"line 1: no column 'question' \(nor problem, prompt\)[\s\S]*mean 'qestion'.*question_column"),
        ([{"question": "a", "anser": "1"}], r"line 1: no column 'answer'[\s\S]*mean 'anser'.*answer_column"),
        ([{"question": "a", "answer": "1"}, {"question": "b", "answer": ""}], "line 2: answer of the row is empty"),
        ([{"question": "a", "answer": "1"}, {"question": "b", "answer": None}], "line 2: answer of the row is empty"),
        ([{"question": " ", "answer": "1"}], "line 1 has no text in 'question'"),
        ([{"question": 7, "answer": "1"}], "line 1 has no text in 'question'"),
        ([{"question": "a", "answer": True}], "line 1: the answer is bool"),
        ([{"question": "a", "answer": "1", "id": 1.5}], "line 1: id is float"),
        ([{"question": "a", "answer": "\\frac{1}{"}, {"question": "b", "answer": "$"}],
         r"2 of 2 rows have a bad gold answer.*line 1 .*line 2[\s\S]*on_bad_gold: skip"),
        ([[1]], "line 1: a row is a JSON object"),
    ],
)  # fmt: skip
def test_bad_input_names_file_and_line(tmp_path: Path, rows: list[Any], message: str) -> None:
    path = write(tmp_path / "bad.jsonl", rows)
    with pytest.raises(DataError, match=message):
        MathTask(train_file=path).rows("train")


def test_bad_golds_can_be_left_out_and_are_listed(tmp_path: Path) -> None:
    rows = [*ROWS[:2], {"question": "a", "answer": "\\frac{1}{"}, {"question": "b", "answer": ""}]
    task = MathTask(train_file=write(tmp_path / "q.jsonl", rows), on_bad_gold="skip")
    assert len(task.rows("train")) == 2
    assert [(one["line"], one["answer"]) for one in task.bad_gold] == [(3, "\\frac{1}{"), (4, "")]
    with pytest.raises(DataError, match="no question is left"):
        MathTask(train_file=write(tmp_path / "b.jsonl", rows[2:]), on_bad_gold="skip").rows("train")


def test_damaged_and_missing_files_are_named(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", ROWS[:1])
    with pytest.raises(ConfigError, match=r"train_file: no such file[\s\S]*did you mean .*train.jsonl"):
        MathTask(train_file=str(tmp_path / "trian.jsonl")).rows("train")
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"question": "a", "answer": "1"}\n' * 99)[:40])
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "q.txt").write_text("x")
    for name, error, message in (
        ("cut.jsonl.gz", DataError, "truncated"), ("bad.parquet", DataError, "no readable parquet"),
        ("q.txt", ConfigError, "unknown type of file"), ("", ConfigError, "is a folder"),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            MathTask(train_file=str(tmp_path / name)).rows("train")


def test_a_shared_question_is_refused_but_another_number_is_another_question(tmp_path: Path) -> None:
    train = write(tmp_path / "t.jsonl", [{"question": "What is 3.5 + 2?", "answer": "5.5"}])
    for text in ("What is 35 + 2?", "What is 3.5 * 2?", "What is 3.52?"):
        held = write(tmp_path / "e.jsonl", [{"question": text, "answer": "1"}])
        assert MathTask(train_file=train, eval_file=held).rows("eval")
    held = write(
        tmp_path / "e.jsonl", [{"question": "x", "answer": "1"}, {"question": "what is $3.5+2$", "answer": "5.5"}]
    )
    with pytest.raises(
        DataError, match=r"1 question of .*e.jsonl is in .*t.jsonl.*line 2 \(there line 1\)[\s\S]*corpus overlap"
    ):
        MathTask(train_file=train, eval_file=held).rows("train")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"trainfile": "x"}, r"task.settings.trainfile: math has no such setting[\s\S]*mean 'train_file'"),
        ({"benchmark": "aime2024"}, r"no benchmark 'aime2024'[\s\S]*mean 'aime24'"),
        ({"prompt": "boxd"}, r"no prompt template 'boxd'[\s\S]*mean 'boxed'"),
        ({"answer_mode": "stric"}, r"no answer mode[\s\S]*mean 'strict'"),
        ({"on_bad_gold": "skp"}, r"on_bad_gold is 'skp'[\s\S]*mean 'skip'"),
        ({"eval_share": 0.9}, "eval_share is 0.9"),
        ({"eval_share": "0.1"}, "eval_share"),
        ({"split_seed": -1}, "split_seed"),
        ({"chat": 1}, "chat is 1"),
        ({"cut_at": "x"}, "cut_at"),
        ({"train_file": 3}, "train_file"),
        ({"train_file": [""]}, "train_file"),
        ({"question_column": ""}, "question_column"),
        ({"max_question_chars": 0}, "max_question_chars"),
        ({"workers": 0}, "workers"),
        ({"timeout": True}, "timeout"),
        ({"benchmark": "emma", "chat": False}, "images"),
    ],
)
def test_bad_settings_are_refused(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MathTask(**bad)


def test_unknown_names_tell_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no task 'mth'[\s\S]*mean 'math'"):
        make_task("mth")
    with pytest.raises(ConfigError, match=r"no preset 'papers'[\s\S]*mean 'paper'"):
        preset_of("papers")
    with pytest.raises(ConfigError, match=r"no split 'trian'[\s\S]*mean 'train'"):
        MathTask().rows("trian")
    with pytest.raises(ConfigError, match="train_file is not set"):
        MathTask().rows("train")


def test_the_papers_preset() -> None:
    paper = preset_of("paper")
    assert (paper.temperature, paper.top_p, paper.answer_mode, paper.prompt) == (0.6, 0.95, "strict", "paper")
    assert {name: paper.samples(name) for name in ("aime24", "aime25", "amc23", "math500", "olympiadbench", "other")} == {
        "aime24": 32, "aime25": 32, "amc23": 4, "math500": 1, "olympiadbench": 1, "other": 1,
    }  # fmt: skip
    assert preset_of("greedy").samples("aime24") == 1


def test_the_network_is_asked_for_by_name_and_never_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="network was not asked for"):
        MathTask(eval_file="hub:", benchmark="math500").rows("eval")
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match="HF_HUB_OFFLINE"):
        read_benchmark("math500", network=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    asked: list[Any] = []

    def loaded(*what: Any, split: str) -> Any:
        asked.append((*what, split))
        return [{"problem": "a?", "answer": "1", "unique_id": "u"}]

    monkeypatch.setattr(datasets, "load_dataset", loaded)
    assert read_benchmark("math500", network=True)[0]["id"] == "u"
    assert MathTask(train_file="hub:own/set", network=True, id_column="unique_id").rows("train")[0]["id"] == "u"
    assert MathTask(
        train_file="hub:", benchmark="gsm8k", network=True, id_column="unique_id", question_column="problem"
    ).rows("train")
    with pytest.raises(ConfigError, match="no data set on the hub"):
        MathTask(train_file="hub:", network=True).rows("train")
    assert asked == [
        ("HuggingFaceH4/MATH-500", None, "test"), ("own/set", None, "train"), ("openai/gsm8k", "main", "train"),
    ]  # fmt: skip

    def refused(*what: Any, split: str) -> Any:
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", refused)
    with pytest.raises(EngineError, match="no route"):
        read_benchmark("math500", network=True)


@pytest.mark.data
@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data")
@pytest.mark.parametrize(
    ("name", "file", "n"),
    [
        ("gsm8k", "gsm8k_test", 1319), ("math500", "math500", 500), ("aime24", "aime24", 30), ("aime25", "aime25", 30),
        ("amc23", "amc23", 40), ("minerva", "minerva", 272), ("olympiadbench", "olympiadbench", 675),
    ],
)  # fmt: skip
def test_the_real_benchmarks_load_whole_and_accept_their_own_golds(name: str, file: str, n: int) -> None:
    rows = read_benchmark(name, str(SHARED / "bench" / f"{file}.jsonl.gz"))
    assert len(rows) == n
    task = MathTask(benchmark=name)
    scores = task.score_all([f"\\boxed{{{row['answer']}}}" for row in rows], rows, [True] * n)
    assert all(score.correct for score in scores)


@pytest.mark.data
@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data")
def test_real_training_questions_name_the_rows_without_an_answer() -> None:
    path = str(SHARED / "train_questions" / "math_train.jsonl.gz")
    with pytest.raises(DataError, match="line 887: answer of the row is empty"):
        MathTask(train_file=path).rows("train")
    loaded = questions.load([path], BENCHMARKS["math"], setting="x", on_bad_gold="skip")
    assert (len(loaded.questions), [one["line"] for one in loaded.bad_gold]) == (7464, [887, 1010, 5323, 5325])
