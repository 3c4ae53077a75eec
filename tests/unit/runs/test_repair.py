"""Resuming brings a run folder to the state of its checkpoint: each step once, in order, whatever happened to the files."""

import json

import polars as pl
import pytest

from hicra.errors import ArtifactError
from hicra.runs import RunFolder
from hicra.runs.checkpoints import publish
from hicra.runs.repair import rewind


@pytest.fixture
def run(tmp_path):
    """A run of three steps with a checkpoint of the third."""
    run = RunFolder.create(tmp_path / "run", method="hicra", seed=0, config={})
    for step in (1, 2, 3):
        run.log(step, {"loss": step / 10})
        run.write_rollouts(step, pl.DataFrame({"step": [step]}))
    folder = run.checkpoints / ".work" / "checkpoint-3"
    folder.mkdir(parents=True)
    (folder / "weights").write_text("w")
    publish(folder, run, 3, 2)
    return run


def checkpoint(run):
    return 3, run.checkpoints / "step-000003"


def lines(run):
    return (run.path / "metrics.jsonl").read_bytes().splitlines(keepends=True)


def test_what_came_after_the_checkpoint_is_dropped(run):
    before = lines(run)
    for step in (4, 5):
        run.log(step, {})
        run.write_rollouts(step, pl.DataFrame({"step": [step]}))
        run.write_rollouts(step, pl.DataFrame({"step": [step]}), folder="refused")
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write('{"step": 6, "hic')
    rewind(run, checkpoint(run), [].append)
    assert lines(run) == before
    assert [path.name for path in run.rollout_files()] == [f"step-00000{step}.parquet" for step in (1, 2, 3)]
    assert list((run.path / "refused").iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda good: good[:1], "2 lines from step 2 on"),  # a power cut: never synced
        (lambda good: [], "3 lines from step 1 on"),
        (lambda good: [*good, good[1], good[2]], "step 2 stood twice; step 3 stood twice"),  # a second writer
        (lambda good: [*good, b'{"step": 4, "lo'], "line 4 is none of hicra's"),
        (lambda good: [*good, b"\xff\xfe"], "line 4 is none of hicra's"),
        (lambda good: [good[0], b"12\n", *good[1:]], "line 2 is none of hicra's"),
        (lambda good: [good[0], b'{"step": true}\n', b"[1]\n", *good[1:]], "line 2 is none of hicra's; line 3"),
        (lambda good: [good[0], b'{"step": 2, "loss": 9.0}\n', good[2]], "1 lines from step 2 on"),  # an editor
        (lambda good: good[::-1], None),
    ],
)  # fmt: skip
def test_lines_are_repaired_from_the_checkpoint(run, damage, says):
    good, said = lines(run), []
    (run.path / "metrics.jsonl").write_bytes(b"".join(damage(good)))
    rewind(run, checkpoint(run), said.append)
    assert lines(run) == good
    assert says is None or (len(said) == 1 and "metrics.jsonl is repaired" in said[0] and says in said[0])


def test_a_file_that_is_gone_is_repaired(run):
    good = lines(run)
    (run.path / "metrics.jsonl").unlink()
    rewind(run, checkpoint(run), [].append)
    assert lines(run) == good


def test_a_checkpoint_without_metrics_takes_the_lines_of_the_run_or_refuses(run):
    """As an earlier version has written them."""
    (run.checkpoints / "step-000003" / "metrics.jsonl").unlink()
    good = lines(run)
    (run.path / "metrics.jsonl").write_bytes(b"".join([good[0], *good]))
    rewind(run, checkpoint(run), [].append)
    assert lines(run) == good
    (run.path / "metrics.jsonl").write_bytes(good[0] + good[2])
    with pytest.raises(
        ArtifactError, match=r"metrics.jsonl has no line of step 2, and neither has the checkpoint of step 3"
    ):
        rewind(run, checkpoint(run), [].append)
    assert lines(run) == [good[0], good[2]]  # nothing is lost by a refusal


def test_without_a_checkpoint_the_run_starts_with_no_step(run):
    said = []
    rewind(run, None, said.append)
    assert run.metrics() == []
    assert run.rollout_files() == []
    assert json.loads((run.path / "hicra.json").read_text())["kind"] == "hicra.run"
    assert said == []


def test_half_written_rollouts_are_never_read_and_are_swept(run):
    torn = run.path / "rollouts" / ".tmp-abc.parquet"
    torn.write_bytes(b"PAR1 half")
    assert torn not in run.rollout_files()
    assert sum(frame.height for frame in run.rollouts()) == 3
    rewind(run, checkpoint(run), [].append)
    assert not torn.exists()
