"""Exports: tables and logs that hold what the run folders hold, and that others read."""

import doctest
import importlib
import json
import os

import polars as pl
import pytest

from hicra import cli, corpus
from hicra.errors import ArtifactError, ConfigError, DataError
from hicra.export.export import export, named_sources
from hicra.runs import RunFolder

SPANS = [{"start": 0, "end": 6, "gram": "let us"}]
ROWS = [
    {"step": 10, "id": "p1#0", "problem": "p1", "group_id": "0", "prompt": "1 + 1?", "response": "let us see: 2",
     "reward": 1.0, "correct": True, "spans": SPANS, "planning_mask": [1, 0, 0, 0], "truncated": False, "advantage": 0.5},
    {"step": 10, "id": "p1#1", "problem": "p1", "group_id": "0", "prompt": "1 + 1?", "response": "3",
     "reward": 0.0, "correct": False, "spans": [], "planning_mask": [0], "truncated": True, "advantage": -0.5},
    {"step": 10, "id": "p2#2", "problem": "p2", "group_id": "1", "prompt": "2 + 2?", "response": "so 4",
     "reward": None, "correct": None, "spans": None, "planning_mask": None, "truncated": None, "advantage": None},
]  # fmt: skip


@pytest.fixture
def run(tmp_path):
    made = RunFolder.create(tmp_path / "a", method="hicra", seed=1, config={"task": {"name": "sums"}})
    made.log(1, {"hicra/reward": 0.25, "hicra/length": None, "loss": 1})
    made.log(2, {"hicra/reward": 0.5})
    made.write_rollouts(10, pl.DataFrame(ROWS))
    os.utime(made.path / "rollouts" / "step-000010.parquet", (1_700_000_000, 1_700_000_000))  # 2023-11-14 22:13:20 UTC
    return made


def test_metrics_in_long_form(run, tmp_path):
    other = RunFolder.create(tmp_path / "b", method="none", seed=2, config={})
    other.log(7, {"hicra/reward": 1.0})
    made = export([run.path, other.path], tmp_path / "out", "parquet")
    assert pl.read_parquet(tmp_path / "out" / "metrics.parquet").rows() == [
        ("a", "hicra", 1, 1, "hicra/reward", 0.25),
        ("a", "hicra", 1, 1, "loss", 1.0),
        ("a", "hicra", 1, 2, "hicra/reward", 0.5),
        ("b", "none", 2, 7, "hicra/reward", 1.0),
    ]
    assert made["files"] == {"metrics.parquet": 4, "rollouts.parquet": 3}
    assert made["bytes"] == sum(file.stat().st_size for file in (tmp_path / "out").iterdir())
    assert made["warnings"] == []


def test_rollouts_keep_their_spans_and_get_their_run(run, tmp_path):
    export([run.path], tmp_path / "out", "parquet")
    table = pl.read_parquet(tmp_path / "out" / "rollouts.parquet")
    assert table.columns[:3] == ["run", "arm", "seed"]
    assert table.select(ROWS[0].keys()).to_dicts() == ROWS
    assert set(table.select("run", "arm", "seed").rows()) == {("a", "hicra", 1)}


def test_rollouts_of_unlike_columns(run, tmp_path):
    """A file has its step in its name alone, a column more, and two whose types differ: one of numbers, one beyond repair."""
    run.write_rollouts(20, pl.DataFrame({"response": ["x"], "more": [1], "reward": [1], "truncated": ["no"]}))
    made = export([run.path], tmp_path / "out", "parquet")
    table = pl.read_parquet(tmp_path / "out" / "rollouts.parquet")
    assert table["step"].to_list() == [10, 10, 10, 20]
    assert table["more"].to_list() == [None, None, None, 1]
    assert table["reward"].to_list() == [1.0, 0.0, None, 1.0]
    assert "truncated" not in table.columns
    assert made["warnings"] == ["left out, since their types differ from file to file: truncated"]


def test_our_own_reader_of_inspect_logs_reads_a_log_back(run, tmp_path):
    made = export([run.path], tmp_path / "out", "inspect")
    assert made["files"] == {"a/2023-11-14T22-13-20_sums_step-000010.json": 3}
    read = corpus.read([tmp_path / "out" / "a"])
    assert read.format == "inspect"
    assert read.rows.select("response", "question", "group_id", "correct", "source", "model").rows() == [
        ("let us see: 2", "1 + 1?", "p1", True, "sums", "a/step-10"),
        ("3", "1 + 1?", "p1", False, "sums", "a/step-10"),
        ("so 4", "2 + 2?", "p2", None, "sums", "a/step-10"),
    ]
    assert read.rows["id"].n_unique() == 3
    assert (read.kept, read.skipped, read.duplicates) == (3, 0, 0)


def test_what_a_log_says(run, tmp_path):
    export([run.path], tmp_path / "out", "inspect")
    (file,) = (tmp_path / "out" / "a").iterdir()
    log = json.loads(file.read_text())
    first, second, third = log["samples"]
    assert [(one["id"], one["epoch"]) for one in log["samples"]] == [("p1", 1), ("p1", 2), ("p2", 1)]
    assert first["scores"] == {"accuracy": {"value": "C"}, "reward": {"value": 1.0}, "planning_share": {"value": 0.25}}
    assert second["output"]["choices"][0]["stop_reason"] == "max_tokens"
    assert third["scores"] == {}
    assert first["metadata"]["spans"] == SPANS
    # of the three samples two are scored: one of two is right, (1 + 0) / 2; shares of tokens 1/4 and 0, mean 1/8
    assert [(one["name"], one["scored_samples"], one["unscored_samples"]) for one in log["results"]["scores"]] == [
        ("accuracy", 2, 1), ("reward", 2, 1), ("planning_share", 2, 1),
    ]  # fmt: skip
    values = [next(iter(one["metrics"].values()))["value"] for one in log["results"]["scores"]]
    assert values == [0.5, 0.5, 0.125]


def test_a_prompt_that_is_a_conversation_stays_one(run, tmp_path):
    asked = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "1 + 1?"}]
    run.write_rollouts(
        10, pl.DataFrame([ROWS[0] | {"prompt": json.dumps(asked)}, ROWS[1] | {"prompt": "[1, 2] sorted?"}])
    )
    export([run.path], tmp_path / "out", "inspect")
    (file,) = (tmp_path / "out" / "a").iterdir()
    first, second = json.loads(file.read_text())["samples"]
    assert [(one["role"], one["source"]) for one in first["messages"]] == [
        ("system", "input"), ("user", "input"), ("assistant", "generate"),
    ]  # fmt: skip
    assert second["input"] == "[1, 2] sorted?"
    assert corpus.read([file]).rows["response"].to_list() == ["let us see: 2", "3"]


def test_inspect_itself_reads_a_log(run, tmp_path):
    log_module = pytest.importorskip("inspect_ai.log")
    export([run.path], tmp_path / "out", "inspect")
    (info,) = log_module.list_eval_logs(str(tmp_path / "out"))
    log = log_module.read_eval_log(info)
    assert (log.status, log.eval.task, log.eval.model) == ("success", "sums", "a/step-10")
    first = log.samples[0]
    assert (first.id, first.epoch, first.input, first.output.completion) == ("p1", 1, "1 + 1?", "let us see: 2")
    assert first.scores["accuracy"].value == "C"
    assert first.metadata["spans"] == SPANS
    assert log.results.scores[0].metrics["accuracy"].value == 0.5
    again = tmp_path / "again.json"
    log_module.write_eval_log(log, str(again))
    assert set(corpus.read([again]).rows["response"]) == {row["response"] for row in ROWS}  # it sorts samples by epoch


def test_hostile_names_stay_in_the_folder(tmp_path):
    run = RunFolder.create(
        tmp_path / "x", method="hicra", seed=1, config={"task": {"name": "../../up/\x1b" + "a" * 300}}
    )
    run.write_rollouts(1, pl.DataFrame([ROWS[0] | {"problem": "../p", "response": "\x00</script>"}]))
    export([run.path], tmp_path / "out", "inspect")
    (file,) = (tmp_path / "out" / "x").iterdir()
    assert file.name.isprintable()
    assert corpus.read([file]).rows["response"].to_list() == ["\x00</script>"]


def test_runs_of_one_name_are_told_apart(tmp_path):
    paths = [tmp_path / one / "run" for one in "abc"]
    runs = [RunFolder.create(path, method="none", seed=0, config={}) for path in paths]
    assert [one.name for one in named_sources(runs)] == ["run", "run-2", "run-3"]


def test_what_is_refused(run, tmp_path):
    with pytest.raises(ConfigError, match="no format 'parket'"):
        export([run.path], tmp_path / "out", "parket")
    with pytest.raises(DataError, match="does not exist"):
        export([tmp_path / "absent"], tmp_path / "out", "parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtifactError, match=r"holds no hicra\.json"):
        export([tmp_path / "empty"], tmp_path / "out", "parquet")
    with pytest.raises(ArtifactError, match="would replace the input"):
        export([run.path], run.path, "parquet", overwrite=True)


@pytest.mark.parametrize("form", ["parquet", "inspect"])
def test_a_damaged_file_is_named_and_the_old_output_stays(form, run, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("old")
    damaged = run.path / "rollouts" / "step-000010.parquet"
    damaged.write_bytes(damaged.read_bytes()[:100])
    with pytest.raises(ArtifactError, match=r"step-000010\.parquet cannot be read"):
        export([run.path], out, form, overwrite=True)
    assert [file.name for file in out.iterdir()] == ["old"]


def test_the_verb(run, tmp_path, capsys):
    for words, code in (
        ([str(run.path)], 2),
        (["-o", "x"], 2),
        ([str(run.path), "-o", str(tmp_path / "out"), "--json"], 0),
    ):
        with pytest.raises(SystemExit) as stop:
            cli.main(["export", *words])
        assert stop.value.code == code, words
    assert json.loads(capsys.readouterr().out)["format"] == "parquet"


@pytest.mark.parametrize("module", ["hicra.export.interface"])
def test_examples_of_docstrings(module):
    failed, tried = doctest.testmod(importlib.import_module(module))
    assert tried
    assert not failed
