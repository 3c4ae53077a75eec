"""`corpus overlap`: whole questions and 13 words in a row, against a naive count; bad input by file and line."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra.errors import ConfigError, DataError
from hicra.tasks import overlap as module
from hicra.tasks.arithmetic import Arithmetic
from hicra.tasks.math import MathTask
from hicra.tasks.overlap import grams, overlap, task_warning, warning_of
from hicra.tasks.questions import folded
from paths import SHARED

LONG = "Each of the twelve boxes holds three red and four blue balls so how many balls are there in all of them"


def write(path: Path, texts: list[Any], key: str = "question") -> str:
    data = "".join(
        json.dumps({key: text, "answer": "1", "id": f"i{n}"}) + "\n" for n, text in enumerate(texts)
    ).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)


def test_pairs_by_hand(tmp_path: Path) -> None:
    words = LONG.split()  # 22 words: 10 grams of 13
    assert len(words) == 22
    train = write(
        tmp_path / "train.jsonl.gz",
        [
            "What is 3.5 + 2?",  # whole, but for case, blanks and dollars
            LONG.upper() + "!",  # whole
            "Now: " + " ".join(words[:14]) + ", she asked",  # 14 words in a row: 2 of the 10 grams
            " ".join(words[:12]) + " x " + " ".join(words[12:]),  # never 13 in a row
            "What is 3.5 * 2?",
        ],
    )
    bench = write(tmp_path / "bench.jsonl", ["what is $3.5 + 2$", LONG, "Something else entirely"])
    found = overlap(train, bench)
    assert [(hit.line, hit.bench_line, hit.id, hit.kind, hit.share) for hit in found.hits] == [
        (1, 1, "i0", "exact", 1.0),
        (2, 2, "i1", "exact", 1.0),
        (3, 2, "i1", "ngram", 0.2),
    ]
    assert (found.train_rows, found.bench_rows, found.short) == (5, 3, 2)
    assert (found.exact, found.ngram, found.bench_hit, found.train_hit) == (2, 1, 2, 3)
    assert found.files == {bench: {"rows": 3, "exact": 2, "ngram": 1}}
    assert "2 of 3 evaluation questions are in the training data, 2 of them whole" in (warning_of(found) or "")
    row = found.as_json()["rows"][2]
    assert (row["train_file"], row["line"], row["bench_file"], row["kind"]) == (train, 3, bench, "ngram")
    json.dumps(found.as_json())
    module.write(found, tmp_path / "pairs.jsonl")
    assert [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()] == found.as_json()["rows"]
    assert overlap(train, bench, min_share=0.3).ngram == 0


def test_no_overlap_is_silent(tmp_path: Path) -> None:
    found = overlap(write(tmp_path / "a.jsonl", ["One apple"]), write(tmp_path / "b.jsonl", ["Two pears"]))
    assert (found.exact, found.ngram, found.hits, warning_of(found)) == (0, 0, [], None)


def test_a_task_s_own_files_are_compared(tmp_path: Path) -> None:
    near = LONG.replace("twelve", "seventy")  # 6 of the 10 grams begin behind the changed word
    train, held = write(tmp_path / "t.jsonl", ["A", near]), write(tmp_path / "e.jsonl", ["B", LONG])
    warning = task_warning(MathTask(train_file=train, eval_file=held)) or ""
    assert "1 of 2 evaluation questions are in the training data, 0 of them whole" in warning
    assert f"{held} line 2 in {train} line 2" in warning
    assert task_warning(MathTask(train_file=train)) is None
    assert task_warning(Arithmetic()) is None


def test_messages_parquet_batches_and_the_list_s_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_CHARS", 50)
    bench = write(tmp_path / "bench.jsonl", [LONG], "problem")
    messages = [[{"role": "user", "content": LONG}]] * 5
    whole = overlap(write(tmp_path / "t.jsonl", messages, "prompt"), bench)
    assert (whole.exact, whole.train_rows) == (5, 5)
    pl.DataFrame({"text": [LONG] * 3}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(
        DataError, match=r"t.parquet line 1: no column 'question'.*problem, prompt[\s\S]*--question-column"
    ):
        overlap(tmp_path / "t.parquet", bench)
    part = overlap(tmp_path / "t.parquet", bench, question_column="text", most=2)
    assert (part.exact, len(part.hits), part.left_out) == (3, 2, 1)


def test_boilerplate_is_left_out_and_counted(tmp_path: Path) -> None:
    bench = write(tmp_path / "bench.jsonl", [f"{LONG} number {n}" for n in range(module.MAX_SHARED + 1)])
    found = overlap(write(tmp_path / "t.jsonl", [LONG + " and more"]), bench)
    assert found.common_grams == 11  # 10 of the sentence, and the one that ends in "number"
    assert found.ngram == 0


@pytest.mark.parametrize(
    ("text", "same"),
    [("3.5", "35"), ("2+3", "2*3"), ("x^2", "x2"), ("1,000", "1000"), ("-1", "1")],
)
def test_numbers_and_operators_tell_questions_apart(text: str, same: str) -> None:
    assert folded(text) != folded(same)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "é", "7"]), max_size=12), min_size=1, max_size=6), st.integers(5, 6)
)
def test_grams_equal_a_naive_count(texts: list[list[str]], words: int) -> None:
    row, hashes = grams([" ".join(text) for text in texts], words)
    naive = [(r, tuple(t[i : i + words])) for r, t in enumerate(texts) for i in range(len(t) - words + 1)]
    assert row.tolist() == [r for r, _ in naive]
    assert len(set(hashes.tolist())) == len({gram for _, gram in naive})
    assert len(set(zip(hashes.tolist(), (g for _, g in naive), strict=True))) == len({gram for _, gram in naive})


def test_words_are_runs_of_letters_marks_and_digits() -> None:
    text = "Let $\\frac{1}{2}x_3 = Ünï-e\u0301t\u0301e\u0301$, 1,000 un autre mot encore"
    assert len(grams([text], 5)[0]) == len(re.findall(r"[^\W_]+", text.replace("\u0301", ""))) - 4


def test_bad_input(tmp_path: Path) -> None:
    good = write(tmp_path / "good.jsonl", [LONG])
    (tmp_path / "empty.jsonl").write_bytes(b"")
    blank = write(tmp_path / "blank.jsonl", [LONG, " "])
    for train, message in (
        (tmp_path / "empty.jsonl", "holds no question"), (blank, "line 2 has no text in 'question'"),
        (tmp_path / "god.jsonl", r"no such file[\s\S]*good.jsonl"),
    ):  # fmt: skip
        with pytest.raises((DataError, ConfigError), match=message):
            overlap(train, good)
    for bad, message in (({"words": 4}, "words is 4"), ({"words": 13.0}, "words"), ({"min_share": 2}, "min_share")):
        with pytest.raises(ConfigError, match=message):
            overlap(good, good, **bad)  # type: ignore[arg-type]


@pytest.mark.data
@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data")
def test_real_training_questions_have_no_benchmark_question_whole() -> None:
    found = overlap(SHARED / "train_questions" / "math_train.jsonl.gz", SHARED / "bench" / "math500.jsonl.gz")
    assert (found.train_rows, found.bench_rows, found.exact) == (7468, 500, 0)
    assert found.ngram > 0
