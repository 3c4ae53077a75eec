"""Following a run that another process writes: whole lines alone, each once, and from the start where a resume wrote anew."""

import json
import os
import socket

import polars as pl
import pytest

from hicra.artifacts import write_text
from hicra.errors import ArtifactError
from hicra.runs import RunFolder
from hicra.runs.follow import Follower
from hicra.runs.lock import one_writer, writer_of


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "run", method="hicra", seed=1, config={})


def test_a_run_without_a_step_has_no_news(run):
    follower = Follower(run)
    for _ in range(2):
        news = follower.look()
        assert (news.rows, news.files, news.again) == ([], [], False)


def test_each_line_comes_once_and_only_when_it_is_whole(run):
    follower = Follower(run)
    run.log(1, {"hicra/reward": 0.5})
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write('{"step": 2, "hicra/re')
        file.flush()
        assert [row["step"] for row in follower.look().rows] == [1]
        assert follower.half
        assert follower.look().rows == []
        file.write('ward": 0.25}\n')
    assert follower.look().rows == [{"step": 2, "hicra/reward": 0.25}]
    assert not follower.half
    run.log(3, {"hicra/reward": None})
    assert follower.look().rows == [{"step": 3, "hicra/reward": None}]


def test_a_character_may_be_cut_in_two(run):
    follower, line = Follower(run), json.dumps({"step": 1, "é": 1}, ensure_ascii=False).encode() + b"\n"
    cut = line.index(b"\xc3") + 1
    with open(run.path / "metrics.jsonl", "ab") as file:
        file.write(line[:cut])
        file.flush()
        assert follower.look().rows == []
        file.write(line[cut:])
    assert follower.look().rows == [{"step": 1, "é": 1}]


@pytest.mark.parametrize("in_place", [False, True])
def test_metrics_written_anew_come_again(run, in_place):
    follower = Follower(run)
    for step in (1, 2, 3):
        run.log(step, {"loss": step})
    assert len(follower.look().rows) == 3
    text = '{"step": 1, "loss": 7}\n'
    if in_place:
        (run.path / "metrics.jsonl").write_text(text)
    else:
        write_text(run.path / "metrics.jsonl", text)  # as a resume does
    news = follower.look()
    assert news.again
    assert news.rows == [{"step": 1, "loss": 7}]
    run.log(2, {"loss": 8})
    news = follower.look()
    assert not news.again
    assert news.rows == [{"step": 2, "loss": 8}]


def test_metrics_that_are_gone_are_news(run):
    follower = Follower(run)
    run.log(1, {})
    follower.look()
    os.unlink(run.path / "metrics.jsonl")
    assert follower.look().again
    assert not follower.look().again


def test_a_bad_line_is_named_by_its_number_over_several_looks(run):
    follower = Follower(run)
    run.log(1, {})
    run.log(2, {})
    follower.look()
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write("[]\n")
    with pytest.raises(ArtifactError, match=r"line 3 is no JSON object"):
        follower.look()


def test_files_of_rollouts_come_once_and_again_when_they_change(run):
    follower = Follower(run)
    path = run.write_rollouts(10, pl.DataFrame({"step": [10], "response": ["a"]}))
    (run.path / "rollouts" / ".tmp-step-000020.parquet").write_bytes(b"half")  # hidden: it is being written
    assert follower.look().files == [path]
    assert follower.look().files == []
    run.write_rollouts(10, pl.DataFrame({"step": [10], "response": ["another"]}))
    assert follower.look().files == [path]


def test_a_half_file_is_said_and_tried_again(run):
    follower = Follower(run)
    whole = run.write_rollouts(10, pl.DataFrame({"response": ["a"]}))
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    assert follower.look().files == [whole]
    assert follower.table(whole) is None
    assert list(follower.unreadable) == [whole]
    assert follower.look().files == [whole]
    whole.write_bytes(data)
    assert follower.table(whole).to_dicts() == [{"response": "a", "step": 10}]  # the step of its name
    assert not follower.unreadable


def test_who_writes_a_folder(tmp_path):
    assert writer_of(tmp_path / "run") is None
    with one_writer(tmp_path / "run"):
        found = writer_of(tmp_path / "run")
        assert found.alive
        assert found.name == f"process {os.getpid()} on {socket.gethostname()}"
    assert writer_of(tmp_path / "run") is None
    stale = tmp_path / ".run.lock"
    stale.write_text(
        json.dumps({"process": 2**22 + 7, "host": socket.gethostname()})
    )  # above the largest number of Linux
    assert not writer_of(tmp_path / "run").alive
    stale.write_text(json.dumps({"process": 5, "host": "elsewhere"}))
    assert writer_of(tmp_path / "run").alive  # nobody here can know
    stale.write_text("")  # locked, and not signed yet
    assert writer_of(tmp_path / "run") is None
