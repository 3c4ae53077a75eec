"""Trackers get each step once, under its own names, with rollouts lit and harmless; each real package is tried offline."""

import doctest
import importlib
import os
import re
import struct
import sys
import time
from html.parser import HTMLParser
from importlib.util import find_spec

import polars as pl
import pytest

from hicra.drawing.lit import pieces
from hicra.errors import ArtifactError, ConfigError, EngineError
from hicra.runs import RunFolder
from hicra.runs.follow import Follower
from hicra.runs.trackers import forward as forward_module
from hicra.runs.trackers.forward import Forward, forward
from hicra.runs.trackers.shown import as_html, as_markdown, chosen
from hostile_run import PAYLOADS

SPANS = [{"start": 0, "end": 6, "gram": "let us"}, {"start": 4, "end": 10, "gram": "us see"}, {"start": 90, "end": 95}]
ROW = {
    "step": 2,
    "id": "q#0",
    "response": "let us see: *2*",
    "reward": 1.0,
    "correct": True,
    "advantage": 0.5,
    "spans": SPANS,
}


@pytest.fixture
def run(tmp_path):
    made = RunFolder.create(
        tmp_path / "my run", method="hicra", seed=1, config={"train": {"steps": 3}, "lexicon": "paper"}
    )
    made.log(1, {"hicra/reward": 0.25, "hicra/length": None})
    made.log(2, {"hicra/reward": 0.5, "completions/a#b": 3})
    made.write_rollouts(2, pl.DataFrame([ROW]))
    return made


class Kept:
    """A tracker that keeps what it gets."""

    see = "look"

    def __init__(self):
        self.events, self.open = [], True

    def metrics(self, step, values):
        self.events.append((step, values))

    def rollouts(self, step, page, text):
        self.events.append((step, "rollouts"))

    def close(self):
        self.open = False


@pytest.fixture
def kept(monkeypatch):
    made = Kept()
    monkeypatch.setattr(forward_module, "open_tracker", lambda name, opening: setattr(made, "opening", opening) or made)
    return made


def test_each_step_comes_once_while_the_run_goes_on(run, kept):
    follower, sent = Follower(run), Forward(run, "wandb")
    sent.send(follower.look(), follower)
    assert kept.events == [
        (1, {"hicra/reward": 0.25}), (2, {"hicra/reward": 0.5, "completions/a#b": 3.0}), (2, "rollouts"),
    ]  # fmt: skip
    sent.send(follower.look(), follower)
    assert len(kept.events) == 3
    run.write_rollouts(3, pl.DataFrame([ROW]), part=1)  # of another rank
    run.write_rollouts(3, pl.DataFrame([ROW]))
    run.log(3, {"hicra/reward": 1.0})
    sent.send(follower.look(), follower)
    assert kept.events[3:] == [(3, {"hicra/reward": 1.0}), (3, "rollouts")]
    assert (sent.steps, sent.pages) == (3, 2)
    assert kept.opening.config == {"train.steps": 3, "lexicon": "paper", "method": "hicra", "seed": 1}
    assert (kept.opening.run, kept.opening.group, kept.opening.online) == ("my run", "hicra", False)


def test_steps_that_a_resume_does_again_are_not_sent_again(run, kept):
    follower, sent = Follower(run), Forward(run, "wandb")
    sent.send(follower.look(), follower)
    (run.path / "metrics.jsonl").write_text('{"step": 1, "loss": 1}\n{"step": 2, "loss": 1}\n{"step": 3, "loss": 1}\n')
    sent.send(follower.look(), follower)
    assert kept.events[3:] == [(3, {"loss": 1.0})]


def test_a_diagnosed_run_may_begin_at_step_0(tmp_path, kept):
    run = RunFolder.create(tmp_path / "run", method="diagnosed", seed=0, config={})
    run.log(0, {"hicra/reward": 0.5})
    assert forward(run, "wandb")["steps"] == 1
    assert not kept.open


def test_rollouts_that_cannot_be_read_yet_come_later(run, kept):
    file = run.path / "rollouts" / "step-000002.parquet"
    data = file.read_bytes()
    file.write_bytes(data[:100])
    follower, sent = Follower(run), Forward(run, "wandb")
    sent.send(follower.look(), follower)
    assert (2, "rollouts") not in kept.events
    run.write_rollouts(3, pl.DataFrame([ROW]))
    sent.send(follower.look(), follower)
    assert kept.events[-1] == (3, "rollouts")
    file.write_bytes(data)
    sent.send(follower.look(), follower)
    assert kept.events[-1] == (2, "rollouts")


def test_what_a_tracker_raises_names_it(run, kept):
    kept.metrics = lambda step, values: 1 / 0
    with pytest.raises(EngineError, match=r"tracker wandb did not take the metrics of step 1: division by zero"):
        forward(run, "wandb")
    assert not kept.open  # it was closed all the same


def test_its_folder_is_replaced_only_when_asked(run, kept, tmp_path):
    place = run.path / "trackers" / "wandb"
    assert forward(run, "wandb")["place"] == str(place)
    (place / "old").write_text("old")
    with pytest.raises(ArtifactError, match="already exists"):
        forward(run, "wandb")
    forward(run, "wandb", overwrite=True)
    assert list(place.iterdir()) == []
    for whole in (run.path, run.path / "rollouts"):
        with pytest.raises(ArtifactError, match="would replace the input"):
            forward(run, "wandb", whole, overwrite=True)


def test_an_unknown_tracker_and_a_missing_package(run, monkeypatch):
    with pytest.raises(ConfigError, match="no tracker 'tensorbord'") as error:
        forward(run, "tensorbord")
    assert "tensorboard" in error.value.fix
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ConfigError, match="needs wandb, which is not installed") as error:
        forward(run, "wandb")
    assert "[trackers]" in error.value.fix


@pytest.mark.parametrize("name", ["tensorboard", "trackio", "mlflow"])
def test_online_needs_a_place(name, run, monkeypatch):
    for variable in ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ConfigError, match="--online"):
        forward(run, name, online=True)


def test_pieces_join_what_overlaps():
    assert pieces("let us see: *2*", SPANS) == [("let us see", True), (": *2*", False)]
    assert pieces("ab", [{"start": 1, "end": 2}, {"start": 0, "end": 1}]) == [("ab", True)]
    assert pieces("ab", [None, {"start": 1}, {"start": True, "end": "x"}, {"start": 1, "end": 1}]) == [("ab", False)]
    assert pieces("", []) == []


def test_the_page_and_the_text_light_spans():
    table = pl.DataFrame([ROW])
    page = as_html(2, table)
    assert "<mark>let us see</mark>: *2*" in page
    assert "<h2>q#0, right, reward 1, advantage 0.5</h2>" in page
    assert r"**let us see**\: \*2\*" in as_markdown(2, table)
    assert "Step 2: 1 rollout<" in page
    assert "Step 2: 8 of 9 rollouts" in as_html(2, pl.concat([table] * 9))


def test_the_first_mixed_group_is_shown():
    """Group a is all right; of c nothing is known but one reward; b has rewards 1 and 0."""
    groups = [
        ("a", 1.0),
        ("c", None),
        ("c", 1.0),
        ("b", 1.0),
        ("a", 1.0),
        ("b", None),
        ("b", 0.0),
        ("d", 0.0),
        ("d", 1.0),
    ]
    rows = [
        ROW | {"id": f"{group}{at}", "group_id": group, "reward": reward, "prompt": f"<{group}>?"}
        for at, (group, reward) in enumerate(groups)
    ]
    assert chosen(pl.DataFrame(rows))["id"].to_list() == ["b3", "b5", "b6"]
    assert chosen(pl.DataFrame(rows[:3]))["id"].to_list() == ["a0", "c1", "c2"]
    page = as_html(2, pl.DataFrame(rows))
    assert page.count("<p>&lt;b&gt;?</p>") == 1  # the prompt once
    assert r"\<b\>\?" in as_markdown(2, pl.DataFrame(rows))
    assert "x" * 599 + "…" in as_html(2, pl.DataFrame([ROW | {"prompt": "x" * 700}]))


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        assert tag in ("html", "meta") or not attrs

    def handle_decl(self, decl):
        assert decl == "doctype html"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_texts_stay_texts(payload):
    table = pl.DataFrame(
        [ROW | {"id": payload, "response": payload, "spans": [{"start": 0, "end": 2, "gram": payload}]}]
    )
    tags = Tags()
    tags.feed(as_html(1, table))
    assert tags.seen == {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "pre", "mark"}
    said = as_markdown(1, table)
    assert not re.search(r"(?<!\\)[<>\[\]`!]", said)
    assert not set(said) & set("\x00\x1b\x0b\u202e\u2028")


# ---- the real packages, each where it is installed


def test_tensorboard(run):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    made = forward(run, "tensorboard")
    (file,) = (run.path / "trackers" / "tensorboard").iterdir()
    assert made["see"].startswith("tensorboard --logdir '")
    found = {
        (event.step, value.tag): make_ndarray(value.tensor).item()
        for event in EventFileLoader(str(file)).Load()
        for value in event.summary.value
    }
    assert found[1, "hicra/reward"] == 0.25
    assert found[2, "hicra/reward"] == 0.5
    assert (1, "hicra/length") not in found
    assert b"**let us see**" in found[2, "hicra/rollouts"]
    assert b"lexicon: paper" in found[0, "hicra/config"]


@pytest.mark.skipif(find_spec("trackio") is None, reason="trackio is not installed")  # importing it fixes its folder
def test_trackio(run, monkeypatch, capsys):
    monkeypatch.setenv("TRACKIO_SPACE_ID", "nobody/nothing")  # not asked for, so not used
    monkeypatch.setenv("TRACKIO_DIR", "")
    made = forward(run, "trackio")
    from trackio.sqlite_storage import SQLiteStorage

    logs = [one for one in SQLiteStorage.get_logs("hicra", "my run") if "hicra/reward" in one]
    assert [(one["step"], one["hicra/reward"]) for one in logs] == [(1, 0.25), (2, 0.5)]
    (page,) = (run.path / "trackers" / "trackio").rglob("*.html")
    assert "<mark>let us see</mark>" in page.read_text()
    assert capsys.readouterr().out == ""
    assert made["rollouts"] == 1
    with pytest.raises(EngineError, match="trackio was imported before"):
        forward(run, "trackio", run.path / "elsewhere")
    assert os.environ["TRACKIO_SPACE_ID"] == "nobody/nothing"


@pytest.mark.slow
def test_mlflow(run):
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    forward(run, "mlflow")
    from mlflow import MlflowClient

    place = run.path / "trackers" / "mlflow"
    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    (found,) = client.search_runs([client.get_experiment_by_name("hicra").experiment_id])
    history = client.get_metric_history(found.info.run_id, "hicra/reward")
    assert [(one.step, one.value) for one in history] == [(1, 0.25), (2, 0.5)]
    assert found.data.metrics["completions/a_b"] == 3.0  # MLflow takes no "#" (TRACK-1)
    assert found.data.params["train.steps"] == "3"
    assert found.info.status == "FINISHED"
    (page,) = place.rglob("step-000002.html")
    assert "<mark>let us see</mark>" in page.read_text()


def records(data):
    """The records of a W&B file: after 7 bytes of head, blocks of 32 KiB with records of (checksum, length, type) and bytes."""
    at, part = 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:  # the rest of a block is empty
            at += 32768 - at % 32768
            continue
        length, kind = struct.unpack("<HB", data[at + 4 : at + 7])
        part += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield part
            part = b""


@pytest.mark.slow
def test_wandb(run):
    pytest.importorskip("wandb")
    made = forward(run, "wandb")
    from wandb.proto.wandb_internal_pb2 import Record

    place = run.path / "trackers" / "wandb" / "wandb"
    (file,) = place.glob("offline-run-*/*.wandb")
    assert made["see"] == f"wandb sync '{place}'/offline-run-*"
    logged = []
    for _ in range(300):  # W&B's own process writes the file, on a busy machine a moment later
        found = [Record.FromString(data) for data in records(file.read_bytes())]
        logged = [one.history for one in found if one.WhichOneof("record_type") == "history"]
        if len(logged) == 2:
            break
        time.sleep(0.1)
    rows = [{item.key or " ".join(item.nested_key): item.value_json for item in one.item} for one in logged]
    assert [(row["_step"], row["hicra/reward"]) for row in rows] == [("1", "0.25"), ("2", "0.5")]
    assert rows[1]["completions/a#b"] == "3"
    assert "html-file" in str(rows[1])
    (page,) = place.rglob("*.html")
    assert "<mark>let us see</mark>" in page.read_text()


@pytest.mark.parametrize(
    "module", ["hicra.runs.trackers.shown", "hicra.runs.trackers.forward", "hicra.runs.trackers.mlflow"]
)
def test_examples_of_docstrings(module):
    failed, tried = doctest.testmod(importlib.import_module(module))
    assert tried
    assert not failed
