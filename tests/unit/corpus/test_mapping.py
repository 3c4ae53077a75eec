"""`--map OURS=THEIRS`, the file of skipped lines, and numbers that are none."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra import corpus
from hicra.corpus.mapping import parse_mapping
from hicra.errors import ArtifactError, ConfigError, DataError, UsageError


def jsonl(path: Path, rows: list[Any]) -> Path:
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


# ---- the mapping
def test_words_become_a_mapping_and_other_words_for_ours_are_known() -> None:
    assert parse_mapping(["response=text", "gold=a.b", "prompt=x=y"]) == {
        "response": "text",
        "answer": "a.b",
        "question": "x=y",
    }


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["response"], "not of the form OURS=THEIRS"),
        (["=x"], "not of the form OURS=THEIRS"),
        (["respons=text"], "hicra has no field 'respons'"),
        (["response=a", "completion=b"], "gives response twice: a and b"),
    ],
)
def test_words_that_are_no_mapping(words: list[str], reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_mapping(words)
    assert reason in caught.value.message


def test_their_columns_are_ours_also_inside_objects(tmp_path: Path) -> None:
    row = {"said": {"text": "a"}, "ok": 1, "q": "why", "lp": [-0.5], "id": 3}
    mapping = {"response": "said.text", "correct": "ok", "question": "q", "logprobs": "lp"}
    result = corpus.read(jsonl(tmp_path / "a.jsonl", [row]), mapping=mapping)
    [found] = result.rows.to_dicts()
    assert (found["response"], found["correct"], found["question"], found["logprobs"]) == ("a", True, "why", [-0.5])
    assert result.columns["response"] == "said.text"
    assert set(result.input_names) >= {"said", "ok", "q", "lp", "id"}  # nothing is dropped


def test_a_mapping_goes_over_what_a_writer_is_known_for(tmp_path: Path) -> None:
    row = {"input": "q", "output": "a", "score": 0.0, "gts": "x", "mine": 1, "problem": 5}
    path = jsonl(tmp_path / "7.jsonl", [row])
    result = corpus.read(path, mapping={"correct": "mine", "group_id": "problem"})
    assert (result.format, result.rows["correct"][0], result.rows["group_id"][0]) == ("verl", True, 5)


def test_a_list_of_generations_gives_a_row_each(tmp_path: Path) -> None:
    rows = [
        {"question": "q", "texts": ["a", "b"], "ok": [1, 0], "reward": 2.0, "id": 0},
        {"question": "q2", "texts": ["c"], "ok": [1], "reward": 0.0, "id": 1},
        {"question": "q", "texts": ["a", "b"], "ok": [1, 0], "reward": 2.0, "id": 0},
    ]
    path = jsonl(tmp_path / "a.jsonl", rows)
    result = corpus.read(path, mapping={"response": "texts", "correct": "ok"})
    assert result.rows["response"].to_list() == ["a", "b", "c"]
    assert result.rows["correct"].to_list() == [True, False, True]
    assert result.rows["reward"].to_list() == [2.0, 2.0, 0.0]
    assert result.rows["group_id"].to_list() == [0, 0, 1]  # samples of one prompt
    assert (result.lines, result.kept, result.skipped, result.duplicates) == (5, 3, 0, 2)


def test_a_list_that_has_not_one_verdict_a_generation_is_no_verdict(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [{"texts": ["a", "b"], "ok": [1]}])
    with pytest.raises(corpus.BadLine, match="ok must be true, false or null"):
        corpus.read(path, mapping={"response": "texts", "correct": "ok"})


def test_a_column_that_no_row_has_is_refused_by_name(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [{"output": "a"}, {"output": "b"}])
    with pytest.raises(DataError, match=r"has no column 'quesion', which --map gives as question"):
        corpus.read(path, mapping={"response": "output", "question": "quesion"})
    with pytest.raises(corpus.BadLine, match=r"no text: 'outptu' is absent .*'output' is close to it"):
        corpus.read(path, mapping={"response": "outptu"})
    with pytest.raises(ConfigError, match="hicra has no field 'text'"):
        corpus.read(path, mapping={"text": "output"})


# ---- the reference beside a response
@pytest.mark.parametrize("field", ["response", "completion", "messages"])
def test_a_solution_beside_the_models_text_is_the_reference(tmp_path: Path, field: str) -> None:
    own = [{"role": "assistant", "content": "mine"}] if field == "messages" else "mine"
    path = jsonl(tmp_path / "a.jsonl", [{"solution": "theirs", field: own, "reward": 1}])
    result = corpus.read(path)
    assert (result.rows["response"][0], result.rows["solution"][0]) == ("mine", "theirs")
    null = jsonl(tmp_path / "b.jsonl", [{"solution": "theirs", field: None}])
    with pytest.raises(corpus.BadLine, match=f"no text: {field} is null, and beside it `solution` is the reference"):
        corpus.read(null)
    assert corpus.read(null, mapping={"response": "solution"}).rows["response"][0] == "theirs"


# ---- verdicts and numbers
def test_correct_is_also_one_and_zero(tmp_path: Path) -> None:
    rows = [{"response": "r", "correct": value} for value in (True, 1, 1.0, False, 0, 0.0, None)]
    path = jsonl(tmp_path / "a.jsonl", rows)
    assert corpus.read(path).rows["correct"].to_list() == [True] * 3 + [False] * 3 + [None]
    said = corpus.inspect(path)
    assert (said["correct"], said["wrong"], said["unknown"]) == (3, 3, 1)
    for dtype in (pl.Int64, pl.Float32, pl.Boolean):
        table = pl.DataFrame({"response": ["r"] * 3, "correct": pl.Series([1, 0, None]).cast(dtype)})
        table.write_parquet(tmp_path / "a.parquet")
        assert corpus.read(tmp_path / "a.parquet").rows["correct"].to_list() == [True, False, None]


@pytest.mark.parametrize("value", [0.5, 2, -1, "1", [1]])
def test_what_is_neither_is_no_verdict(tmp_path: Path, value: Any) -> None:
    path = jsonl(tmp_path / "a.jsonl", [{"response": "r", "correct": True}, {"response": "r", "correct": value}])
    with pytest.raises(corpus.BadLine, match="line 2 .*correct must be true, false or null"):
        corpus.read(path)


def test_a_list_of_rewards_is_its_sum_and_unknown_with_a_gap(tmp_path: Path) -> None:
    rows = [{"response": "r", "reward": value} for value in ([0.25, 0.5, 0.0], [0.25, None], [])]
    found = corpus.read(jsonl(tmp_path / "a.jsonl", rows)).rows
    assert found["reward"].to_list() == [0.75, None, None]
    assert found["correct"].to_list() == [True, None, None]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_null_in_a_dump_and_bad_in_plain_rows(tmp_path: Path, number: str) -> None:
    dump = f'{{"input": "q", "output": "a", "score": {number}, "parts": [1.0, {number}], "at": {{"x": {number}}}}}'
    found = corpus.read(jsonl(tmp_path / "3.jsonl", [dump])).rows.to_dicts()[0]
    assert (found["reward"], found["correct"]) == (None, None)
    assert (found["parts"], found["at"]) == ([1.0, None], {"x": None})
    plain = jsonl(tmp_path / "plain.jsonl", [f'{{"response": "a", "extra": [{number}]}}'])
    with pytest.raises(corpus.BadLine, match="is not JSON|too large for a float"):
        corpus.read(plain)


def test_plain_parquet_with_a_reward_that_is_no_number(tmp_path: Path) -> None:
    pl.DataFrame({"response": ["a"], "reward": [math.inf]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(corpus.BadLine, match="line 1: reward is not finite: inf"):
        corpus.read(tmp_path / "a.parquet")


# ---- the file of skipped lines
def test_skipped_lines_are_written_with_the_reason(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [{"response": "a"}, '{"response": 5, "x": "\u00e9"}', {"response": "b"}])
    with open(path, "ab") as file:
        file.write(b'{"response": "\xff"}\n')
    listed = tmp_path / "skipped.jsonl"
    result = corpus.read(path, on_bad="skip", max_bad=0.5, quarantine=listed)
    rows = [json.loads(line) for line in listed.read_text(encoding="utf-8").splitlines()]
    assert [(row["file"], row["line"]) for row in rows] == [(str(path), 2), (str(path), 4)]
    assert [row["reason"] for row in rows] == [bad["reason"] for bad in result.errors]
    assert rows[0]["raw"] == '{"response": 5, "x": "\u00e9"}'
    assert rows[1]["raw"] is None  # no text


def test_the_file_is_there_when_too_much_was_skipped_and_replaces_nothing(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [{"response": "a"}, "{"])
    listed = tmp_path / "skipped.jsonl"
    with pytest.raises(DataError, match="1 of 2 lines are bad"):
        corpus.read(path, on_bad="skip", quarantine=listed)
    assert len(listed.read_text().splitlines()) == 1
    with pytest.raises(ArtifactError, match="exists"):
        corpus.read(path, on_bad="skip", max_bad=1.0, quarantine=listed)


def test_a_reading_in_one_pass_writes_it_too(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [{"response": "a"}, "{"])
    listed = tmp_path / "skipped.jsonl"
    source = corpus.batches(path, "skip", 1.0, extras=False, quarantine=listed)
    assert [frame.height for frame in source] == [1]
    assert json.loads(listed.read_text())["line"] == 2


def test_nothing_skipped_leaves_an_empty_file(tmp_path: Path) -> None:
    corpus.read(jsonl(tmp_path / "a.jsonl", [{"response": "a"}]), on_bad="skip", quarantine=tmp_path / "skipped.jsonl")
    assert (tmp_path / "skipped.jsonl").read_bytes() == b""


def test_a_fix_ends_with_the_nearest_field() -> None:
    with pytest.raises(UsageError) as caught:
        parse_mapping(["respons=text"])
    assert caught.value.fix == "it is --map OURS=THEIRS; did you mean 'response'?"


def test_true_and_false_in_a_column_of_rewards_are_verdicts(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "a.jsonl", [{"response": "a", "reward": True}, {"response": ["b", "c"], "reward": [False, True]}]
    )
    with pytest.raises(DataError, match=r"belongs to `correct` \(--map correct=reward\)"):
        corpus.read(path)
    rows = corpus.read(path, mapping={"correct": "reward"}).rows
    assert rows["correct"].to_list() == [True, False, True]
    assert rows["reward"].to_list() == [None, None, None]
    numbers = jsonl(tmp_path / "b.jsonl", [{"response": "a", "reward": 1}])
    [row] = corpus.read(numbers, mapping={"correct": "reward"}).rows.to_dicts()
    assert (row["correct"], row["reward"]) == (True, 1.0)


@pytest.mark.parametrize(
    ("row", "advised"),
    [
        ({"output": {"text": "a"}}, "--map response=COLUMN (or a path into objects: COLUMN.KEY)"),
        ({"output": {"text": "a"}, "text": "b"}, "--map response=text"),
        ({"outputs": ["a", "b"]}, "--map response=outputs"),
        ({"output": 5, "text": None}, "--map response=COLUMN"),
    ],
)
def test_a_column_without_text_is_not_advised(tmp_path: Path, row: dict[str, Any], advised: str) -> None:
    with pytest.raises(DataError) as caught:
        corpus.read(jsonl(tmp_path / "a.jsonl", [row]))
    assert advised in caught.value.fix


def test_where_every_line_is_bad_no_share_is_advised(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        corpus.read(jsonl(tmp_path / "a.jsonl", [{"response": 1}, {"response": 2}]), "skip")
    assert "2 of 2 lines are bad" in caught.value.message
    assert "--max-bad" not in caught.value.fix


def test_a_file_of_skipped_lines_that_exists_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("mine")
    with pytest.raises(ArtifactError) as caught:
        corpus.read(jsonl(tmp_path / "a.jsonl", [{"response": "a"}]), "skip", quarantine=tmp_path / "bad.jsonl")
    assert caught.value.fix == "remove it, or choose another --quarantine"
