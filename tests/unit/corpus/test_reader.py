"""The account (rows = kept + skipped + duplicates), fields, formats, files and what `inspect` says."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra import corpus
from hicra.corpus.turns import WALL
from hicra.errors import DataError


def jsonl(folder: Path, rows: list[Any], name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return path


# ---- the account
def test_duplicates_have_the_same_id_step_and_content(tmp_path: Path) -> None:
    row = {"id": "a", "step": 1, "solution": "x", "correct": True}
    rows = [
        row,
        dict(reversed(row.items())),  # the same content in another order of keys: a duplicate
        row | {"question": None},  # null is absent: a duplicate
        row | {"solution": "y"},  # same id, other content: kept
        row | {"step": 2},  # another step: kept
        row | {"id": "b"},
        {"solution": "x"},
        {"solution": "x"},  # no id: never a duplicate
        {"id": None, "solution": "x"},
        {"id": None, "solution": "x"},
        {"id": 1, "solution": "x", "flag": 1},
        {"id": 1, "solution": "x", "flag": True},  # 1 is not true
        {"id": "1", "solution": "x", "flag": 1},  # 1 is not "1"
        {"id": 1, "solution": "x", "flag": 1},
    ]
    result = corpus.read(jsonl(tmp_path, rows))
    assert (result.kept, result.duplicates, result.skipped, result.lines) == (11, 3, 0, 14)
    assert result.rows.height == 11
    both = corpus.read(tmp_path / "rows.jsonl", keep_duplicates=True)
    assert (both.kept, both.duplicates, both.rows.height) == (11, 3, 14)


def test_duplicates_across_files_and_formats(tmp_path: Path) -> None:
    rows = [{"id": i, "solution": f"s{i}", "tags": ["a", "b"]} for i in range(3)]
    first = jsonl(tmp_path, rows, "a.jsonl")
    second = tmp_path / "b.parquet"
    pl.DataFrame(rows).write_parquet(second)
    result = corpus.read([first, second])
    assert (result.kept, result.duplicates, result.format) == (3, 3, "jsonl+parquet")


def test_skip_fails_past_the_allowed_share(tmp_path: Path) -> None:
    rows: list[Any] = [{"solution": "s"}] * 198 + ["{"] * 2
    assert corpus.read(jsonl(tmp_path, rows), on_bad="skip").skipped == 2  # exactly 1 %
    path = jsonl(tmp_path, [*rows, "{"])
    with pytest.raises(DataError, match=r"3 of 201 lines are bad.*line 199: not JSON(.|\n)*--max-bad 0\.02"):
        corpus.read(path, on_bad="skip")
    assert corpus.read(path, on_bad="skip", max_bad=0.02).skipped == 3


def test_arguments_are_checked(tmp_path: Path) -> None:
    path = jsonl(tmp_path, [{"solution": "s"}])
    with pytest.raises(ValueError, match="on_bad"):
        corpus.read(path, on_bad="ignore")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_bad"):
        corpus.read(path, max_bad=1.5)


# ---- fields
@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"solution": 5}, "solution must be a string or a list of messages, not an integer"),
        ({"solution": "s", "correct": 0.5}, "correct must be true, false or null (or 1 and 0), not 0.5"),
        ({"solution": "s", "correct": "yes"}, "correct must be true, false or null"),
        ({"solution": "s", "reward": "high"}, "reward must be a number, not a string ('high')"),
        ({"solution": "s", "reward": True}, "reward must be a number, not true/false"),
        ({"solution": "s", "id": 1.5}, "id must be a string or an integer"),
        ({"solution": "s", "id": True}, "id must be a string or an integer"),
        ({"solution": "s", "group_id": [1]}, "group_id must be a string or an integer"),
        ({"solution": "s", "step": "1.5"}, "step must be an integer"),
        ({"solution": "s", "step": 1.5}, "step must be an integer"),
        ({"solution": "s", "model": 3}, "model must be a string"),
        ({"solution": "s", "token_ids": [1, -1]}, "token_ids must be a list of token ids"),
        ({"solution": "s", "token_ids": [1, True]}, "token_ids must be a list of token ids"),
        ({"solution": "s", "token_ids": "1 2"}, "token_ids must be a list of token ids"),
        ({"solutoin": "s", "correct": True}, "'solutoin' is close to 'solution'"),
        ({"solution": None, "text": "s"}, "columns found: 'solution', 'text'"),
        ({"messages": [{"role": "user", "content": "q"}]}, "holds no assistant message"),
        ({"messages": ["hello"]}, "a message without a role"),
    ],
)
def test_wrong_types_are_bad(tmp_path: Path, row: dict[str, Any], reason: str) -> None:
    with pytest.raises(corpus.BadLine) as caught:
        corpus.read(jsonl(tmp_path, [row]))
    assert reason in str(caught.value)


def test_where_the_response_comes_from(tmp_path: Path) -> None:
    chat = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "first"},
        {"role": "assistant", "content": [{"type": "text", "text": "la"}, {"type": "text", "text": "st"}]},
        {"role": "tool", "content": "t"},
        {"role": "assistant", "content": None},
    ]
    rows = [
        {"solution": "the reference", "completion": "a"},
        {"response": "b"},
        {"completion": "c"},
        {"messages": chat},
        {"completion": chat, "prompt": chat[:1]},
        {"solution": None, "response": "d"},
    ]
    said = f"first{WALL}last"
    result = corpus.read(jsonl(tmp_path, rows))
    assert result.rows["response"].to_list() == ["a", "b", "c", said, said, "d"]
    assert result.rows["question"][4] == "q"
    assert corpus.inspect(tmp_path / "rows.jsonl")["columns"]["response"] == "completion"


def test_correct_from_reward(tmp_path: Path) -> None:
    rows = [
        {"solution": "s", "reward": 1},
        {"solution": "s", "reward": 0.5},
        {"solution": "s", "reward": 0.49},
        {"solution": "s", "reward": None},
        {"solution": "s", "reward": 1.0, "correct": None},
        {"solution": "s", "reward": 0, "correct": True},
    ]
    assert corpus.read(jsonl(tmp_path, rows)).rows["correct"].to_list() == [True, True, False, None, None, True]


def test_ids_numbers_and_extras_keep_their_values(tmp_path: Path) -> None:
    rows = [
        {
            "solution": "s",
            "id": 1,
            "group_id": 7,
            "answer": 18,
            "step": 3.0,
            "extra": {"a": 1},
            "tags": ["x"],
            "b": True,
        },
        {"solution": "t", "id": "k", "group_id": 8, "answer": "18", "extra": {"b": [1.5]}, "lone": {}},
    ]
    result = corpus.read(jsonl(tmp_path, rows))
    table = result.rows
    assert table["id"].to_list() == ["1", "k"]
    assert table["group_id"].to_list() == [7, 8]
    assert table["answer"].to_list() == ["18", "18"]
    assert table["step"].to_list() == [3, None]
    assert table["extra"].to_list() == [{"a": 1, "b": None}, {"a": None, "b": [1.5]}]
    assert table["lone"].to_list() == [None, "{}"]
    assert table.schema["correct"] == pl.Boolean
    assert table.schema["token_ids"] == pl.List(pl.Int64)
    assert result.as_input().columns == ["solution", "id", "group_id", "answer", "step", "extra", "tags", "b", "lone"]
    assert result.as_input()["solution"].to_list() == ["s", "t"]


def test_input_columns_that_clash_with_canonical_names_survive(tmp_path: Path) -> None:
    rows = [{"text": "s", "response": "r", "response (input)": "x"}, {"text": "only"}]
    result = corpus.read(jsonl(tmp_path, rows), mapping={"response": "text"})
    assert result.rows["response"].to_list() == ["s", "only"]
    back = result.as_input()
    assert back.to_dicts() == [
        {"text": "s", "response": "r", "response (input)": "x"},
        {"text": "only", "response": None, "response (input)": None},
    ]


def test_too_many_keys(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="more than 1000 different keys, from 'solution' to 'k999'"):
        corpus.read(jsonl(tmp_path, [{"solution": "s", f"k{i}": 1} for i in range(1001)]))


# ---- formats
def trl_dump(path: Path, **columns: list[Any]) -> None:
    base: dict[str, list[Any]] = {
        "step": [1, 1],
        "prompt": ["q", "q"],
        "completion": ["good", "bad"],
        "accuracy_reward": [1.0, 0.0],
        "format_reward": [0.5, math.nan],
        "advantage": [0.75, -0.75],
    }
    pl.DataFrame(base | columns).write_parquet(path)


def test_trl_dump(tmp_path: Path) -> None:
    trl_dump(tmp_path / "completions_00010.parquet", step=[10, 10])
    trl_dump(tmp_path / "completions_00009.parquet", step=[9, 9])
    result = corpus.read(tmp_path)
    assert result.format == "trl"
    assert result.rows["step"].to_list() == [9, 9, 10, 10]
    assert result.rows["reward"].to_list() == [1.5, 0.0, 1.5, 0.0]
    assert result.rows["correct"].to_list() == [True, False] * 2
    assert result.rows["question"].to_list() == ["q"] * 4
    assert result.columns["reward"] == "accuracy_reward + format_reward"
    assert result.columns["correct"] == "accuracy_reward >= 0.5"
    assert result.duplicates == 0
    assert result.as_input().columns == [
        "step",
        "prompt",
        "completion",
        "accuracy_reward",
        "format_reward",
        "advantage",
    ]


def test_trl_dump_of_conversations(tmp_path: Path) -> None:
    trl_dump(
        tmp_path / "completions_00001.parquet",
        prompt=[[{"role": "system", "content": "be brief"}, {"role": "user", "content": "q"}]] * 2,
        completion=[[{"role": "assistant", "content": text}] for text in ("good", "bad")],
    )
    result = corpus.read(tmp_path)
    assert result.rows["response"].to_list() == ["good", "bad"]
    assert result.rows["question"].to_list() == ["q", "q"]
    assert result.as_input()["completion"].to_list()[0] == [{"role": "assistant", "content": "good"}]


def test_verl_dump(tmp_path: Path) -> None:
    row = {"input": "q", "output": "so it is 4", "gts": "4", "score": 1.0, "step": 2, "uid": "u1"}
    jsonl(tmp_path, [row, row, row | {"score": -1.0}], "2.jsonl")
    jsonl(tmp_path, [{k: v for k, v in row.items() if k != "step"} | {"gts": ["4", "four"], "acc": False}], "10.jsonl")
    result = corpus.read(tmp_path)
    assert result.format == "verl"
    assert result.rows["step"].to_list() == [2, 2, 2, 10]
    assert result.rows["correct"].to_list() == [True, True, False, False]
    assert result.rows["group_id"].to_list() == ["u1"] * 4
    assert result.rows["answer"].to_list() == ["4", "4", "4", '["4", "four"]']
    assert result.duplicates == 0  # uid names the prompt, not the row


def test_plain_parquet_names_no_pattern_and_bad_cells(tmp_path: Path) -> None:
    path = tmp_path / "a[1]*.parquet"
    pl.DataFrame({"solution": ["a", "b"], "reward": [1.0, math.nan], "when": [None, 2]}).write_parquet(path)
    with pytest.raises(corpus.BadLine, match="line 2: reward is not finite: nan"):
        corpus.read(path)
    result = corpus.read(path, on_bad="skip", max_bad=0.5)
    assert (result.format, result.kept, result.errors[0]["offset"]) == ("parquet", 1, None)
    (tmp_path / "half.parquet").write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="no readable parquet"):
        corpus.read(tmp_path / "half.parquet")


# ---- files
def test_missing_unknown_and_empty(tmp_path: Path) -> None:
    jsonl(tmp_path, [{"solution": "s"}], "rollouts.jsonl")
    with pytest.raises(DataError, match=r"no such file(.|\n)*did you mean .*rollouts\.jsonl"):
        corpus.read(tmp_path / "rolouts.jsonl")
    with pytest.raises(DataError, match=r"no such file(.|\n)*check the path"):
        corpus.read(tmp_path / "nowhere" / "x.jsonl")
    (tmp_path / "rows.txt").write_text("x")
    with pytest.raises(DataError, match=r"unknown type of file(.|\n)*\.parquet"):
        corpus.read(tmp_path / "rows.txt")
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(DataError, match="no rows"):
        corpus.read(tmp_path / "empty.jsonl")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="holds no"):
        corpus.read(tmp_path / "folder")
    with pytest.raises(DataError, match="no path"):
        corpus.read([])
    assert corpus.read([tmp_path / "empty.jsonl", tmp_path / "rollouts.jsonl"]).kept == 1


def test_folders_are_read_in_natural_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("10.jsonl", "9.jsonl", ".hidden.jsonl", "note.md", "b\n.JSONL"):
        jsonl(tmp_path, [{"solution": name}], name)
    assert corpus.read(tmp_path).rows["response"].to_list() == ["9.jsonl", "10.jsonl", "b\n.JSONL"]


def test_run_folder_and_trl_output_folder(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "rollouts").mkdir(parents=True)
    (run / "hicra.json").write_text("{}")
    (run / "metrics.jsonl").write_text('{"step": 1}\n')
    pl.DataFrame({"response": ["r"], "step": [1]}).write_parquet(run / "rollouts" / "step-000001.parquet")
    assert corpus.read(run).rows["response"].to_list() == ["r"]
    (tmp_path / "out" / "completions").mkdir(parents=True)
    trl_dump(tmp_path / "out" / "completions" / "completions_00001.parquet")
    assert corpus.read(tmp_path / "out").format == "trl"


def test_a_folder_of_runs_stands_for_their_rollouts_and_not_for_their_metrics(tmp_path: Path) -> None:
    for name in ("dpo", "rlvr", "measured"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "hicra.json").write_text("{}")
        (tmp_path / "runs" / name / "intervals.jsonl").write_text('{"step": 1}\n')
    for name in ("dpo", "rlvr"):
        (tmp_path / "runs" / name / "rollouts").mkdir()
        pl.DataFrame({"response": [name]}).write_parquet(tmp_path / "runs" / name / "rollouts" / "step-000001.parquet")
    assert corpus.read(tmp_path / "runs").rows["response"].to_list() == ["dpo", "rlvr"]


def test_inspect_is_plain_json(tmp_path: Path) -> None:
    path = jsonl(tmp_path, [{"solution": "s", "correct": True, "id": 1, "style": "long"}, {"solution": "s"}, "["])
    said = corpus.inspect(path, on_bad="skip", max_bad=0.5)
    assert json.loads(json.dumps(said)) == said
    assert (said["rows"], said["kept"], said["skipped"], said["duplicates"]) == (3, 2, 1, 0)
    assert said["columns"] == {"response": "solution", "correct": "correct", "id": "id"}
    assert said["extra_columns"] == ["style"]
    assert said["errors"][0]["line"] == 3
