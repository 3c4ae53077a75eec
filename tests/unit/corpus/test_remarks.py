"""What a read says beside its account: rows in two files, what is right by the rewards, numbers in text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hicra import corpus
from hicra.errors import DataError


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def warnings(*paths: Path, **settings: Any) -> list[str]:
    return corpus.batches(list(paths), **settings).prepare().warnings


# ---- rows in two files
def rows(begin: int, end: int, **more: Any) -> list[dict[str, Any]]:
    return [{"response": f"so we add {n}", "step": n, "question": "q", **more} for n in range(begin, end)]


def test_rows_of_two_files_are_counted_and_none_is_left_out(tmp_path: Path) -> None:
    jsonl(tmp_path / "a.jsonl", rows(0, 10))
    jsonl(tmp_path / "b.jsonl", rows(6, 14, spans=[]))  # 4 of 8 rows, with another column
    found = corpus.inspect(tmp_path)
    assert (found["kept"], found["duplicates"]) == (18, 0)
    names = [str(tmp_path / name) for name in ("a.jsonl", "b.jsonl")]
    assert found["in_two_files"] == [{"files": names, "rows": 4}]
    [said] = found["warnings"]
    assert f"4 of the 8 rows of {names[1]} stand in {names[0]} too" in said


def test_of_three_files_each_row_counts_once(tmp_path: Path) -> None:
    for name, end in (("a", 2), ("b", 2), ("c", 3)):
        jsonl(tmp_path / f"{name}.jsonl", rows(0, end))
    found = corpus.inspect(tmp_path)["in_two_files"]
    assert [([Path(name).stem for name in one["files"]], one["rows"]) for one in found] == [
        (["a", "b"], 2),
        (["a", "c"], 2),
    ]
    assert "further pairs of files like that: 1" in warnings(tmp_path)[0]


def test_equal_samples_of_one_file_are_no_matter(tmp_path: Path) -> None:
    jsonl(tmp_path / "a.jsonl", [{"response": "42", "question": "q"}] * 8)
    jsonl(tmp_path / "b.jsonl", [{"response": "42", "question": "another"}] * 8)
    assert (corpus.inspect(tmp_path)["in_two_files"], warnings(tmp_path)) == ([], [])


@pytest.mark.parametrize("column", ["id", "step", "question", "model"])
def test_rows_that_differ_in_what_tells_them_apart_are_two(tmp_path: Path, column: str) -> None:
    for name, value in (("a", 1), ("b", 2)):
        jsonl(tmp_path / f"{name}.jsonl", [{"response": "42", column: value if column == "step" else str(value)}])
    assert corpus.inspect(tmp_path)["in_two_files"] == []


def test_a_few_equal_rows_may_be_chance_and_are_listed_without_a_warning(tmp_path: Path) -> None:
    jsonl(tmp_path / "a.jsonl", rows(0, 20))
    jsonl(tmp_path / "b.jsonl", rows(19, 39))  # 1 of 20, under a tenth
    assert corpus.inspect(tmp_path)["in_two_files"][0]["rows"] == 1
    assert warnings(tmp_path) == []


def test_duplicates_that_are_left_out_do_not_count_twice(tmp_path: Path) -> None:
    for name in "ab":
        jsonl(tmp_path / f"{name}.jsonl", rows(0, 3, id="q"))
    found = corpus.inspect(tmp_path)
    assert (found["duplicates"], found["in_two_files"]) == (3, [])


def test_frames_of_one_pass_and_of_two_say_the_same(tmp_path: Path) -> None:
    for name in "ab":
        jsonl(tmp_path / f"{name}.jsonl", rows(0, 3))
    one, two = corpus.batches(tmp_path, extras=False), corpus.batches(tmp_path, keep_bytes=0)
    assert sum(frame.height for frame in one) == sum(frame.height for frame in two) == 6
    assert one.warnings == two.warnings
    assert len(one.warnings) == 1


# ---- what is right by the rewards
@pytest.mark.parametrize(
    ("rewards", "said"),
    [
        ([1, 10], "go from 1 to 10, and all of 2 rows count as right"),
        ([-2.5, 0.75, 0.25], "go from -2.5 to 0.75, and 1 of 3 rows count as right"),
        ([0.1, 0.2], "go from 0.1 to 0.2, and none of 2 rows count as right"),
        ([0.6, 0.9], "all of 2 rows count as right"),
        ([0.25, 0.75], None),
        ([0, 1], None),
        ([1, 1], None),
        ([-1, 1], None),
        ([0.5, 0, 1], None),
    ],
)
def test_rewards_that_do_not_fit_the_rule(tmp_path: Path, rewards: list[float], said: str | None) -> None:
    path = jsonl(tmp_path / "a.jsonl", [{"response": "s", "reward": reward} for reward in rewards])
    found = warnings(path)
    assert len(found) == (said is not None)
    if said is not None:
        assert said in found[0]
        assert "reward of at least 0.5" in found[0]
        assert "--map 'correct=reward>=NUMBER'" in found[0]


def test_rewards_beside_verdicts_are_no_matter(tmp_path: Path) -> None:
    assert warnings(jsonl(tmp_path / "a.jsonl", [{"response": "s", "reward": 9, "correct": True}])) == []


def test_the_smallest_reward_that_is_right_may_be_named(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [{"response": "s", "reward": one} for one in (1, 10, None)])
    read = corpus.read(path, mapping={"correct": "reward>=10"})
    assert read.rows["correct"].to_list() == [False, True, None]
    assert read.rows["reward"].to_list() == [1, 10, None]
    assert read.columns["correct"] == "reward>=10"
    assert warnings(path, mapping={"correct": "reward>=10"}) == []
    nested = jsonl(tmp_path / "b.jsonl", [{"response": ["s", "t"], "of": {"score": [-1, 0.5]}}])
    assert corpus.read(nested, mapping={"correct": "of.score >= 0.5"}).rows["correct"].to_list() == [False, True]
    with pytest.raises(DataError, match=r"no column 'rewards', which --map gives as correct(.|\n)*'reward'"):
        corpus.read(path, mapping={"correct": "rewards>=10"})
    with pytest.raises(DataError, match="response must be a number"):
        corpus.read(path, mapping={"correct": "response>=10"})


# ---- numbers in text
def test_numbers_in_text_are_read_and_said(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "a.jsonl",
        [
            {"response": "s", "step": "0100", "reward": "1.0"},
            {"response": "s", "step": 200, "reward": "-1e-1"},
            {"response": "s", "step": None, "reward": 0},
        ],
    )
    read = corpus.read(path)
    assert read.rows["step"].to_list() == [100, 200, None]
    assert read.rows["reward"].to_list() == [1.0, -0.1, 0.0]
    assert read.rows["correct"].to_list() == [True, False, False]
    assert (read.columns["step"], read.columns["correct"]) == ("step, a number in text", "reward >= 0.5")
    assert read.as_input()["step"].to_list() == ["0100", "200", None]  # the input's own column is kept
    found = warnings(path)
    assert "step is text in 1 row, and read as the number that it shows" in found
    assert "reward is text in 2 rows, and read as the number that it shows" in found


@pytest.mark.parametrize("text", ["step_100", "1.5", "1e3", "", " 1", "٣", "9" * 19])
def test_a_step_in_text_that_is_no_whole_number_is_bad(tmp_path: Path, text: str) -> None:
    with pytest.raises(corpus.BadLine, match="step must be an integer, not a string"):
        corpus.read(jsonl(tmp_path / "a.jsonl", [{"response": "s", "step": text}]))


@pytest.mark.parametrize("text", ["high", "nan", "inf", "1,5", "1e999", "0x10", "1_0"])
def test_a_reward_in_text_that_is_no_number_is_bad(tmp_path: Path, text: str) -> None:
    with pytest.raises(corpus.BadLine, match="reward"):
        corpus.read(jsonl(tmp_path / "a.jsonl", [{"response": "s", "reward": text}]))


def test_where_all_rows_are_bad_in_one_field_the_error_says_so(tmp_path: Path) -> None:
    bad = [{"response": "s", "step": f"step_{n}"} for n in range(150)]
    with pytest.raises(corpus.BadLine, match=r"line 1 .*'step_0'\); so it is in the 99 rows after it") as caught:
        corpus.read(jsonl(tmp_path / "a.jsonl", bad))
    assert caught.value.fix == "write it so in every row, or name another column: --map step=COLUMN"
    with pytest.raises(corpus.BadLine) as caught:
        corpus.read(jsonl(tmp_path / "b.jsonl", [bad[0], {"response": "s", "step": 1}]))
    assert "after it" not in caught.value.reason
    path = jsonl(tmp_path / "c.jsonl", bad[:2])
    with path.open("a") as file:
        file.write("{\n")
    with pytest.raises(corpus.BadLine, match=r"c\.jsonl line 1 .*'step_0'\)\n  fix: repair") as caught:
        corpus.read(path)
    assert corpus.inspect(tmp_path / "a.jsonl", "skip", 1.0)["skipped"] == 150
