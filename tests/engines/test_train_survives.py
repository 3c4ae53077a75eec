"""A run goes on to what the straight run would be, whatever ended it: a signal, a kill, a full disk, ruined weights."""

import json
import os
import shutil
import signal
import time
from types import SimpleNamespace

import polars as pl
import pytest

pytest.importorskip("trl")

import safetensors.torch
import torch

from forked import Forks
from hicra.errors import ArtifactError, EngineError
from hicra.runs import RunFolder
from hicra.runs.checkpoints import newest
from hicra.runs.lock import one_writer
from train_small import TASK, command, grams_file, groups, run, same_run, weights

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("ignore:step .* is not applied")]


@pytest.fixture(scope="module")
def grams(tmp_path_factory):
    return grams_file(tmp_path_factory.mktemp("lexicon"))


@pytest.fixture(scope="module")
def straight(tmp_path_factory, grams):
    """Four steps, and six with two steps a generation."""
    folder = tmp_path_factory.mktemp("straight")
    run(folder / "one", grams, "train.steps=4")
    run(folder / "two", grams, "train.steps=6", "train.iterations=2")
    return folder


@pytest.fixture(scope="module")
def forks():
    with Forks(hashed=TASK) as begun:
        yield begun


# ---- generations that are used for several steps
def test_a_run_that_ended_inside_a_generation_grows_to_the_straight_run(straight, tmp_path, grams):
    out = tmp_path / "r"
    run(out, grams, "train.steps=3", "train.iterations=2")
    assert [path.name for path in (out / "checkpoints").iterdir()] == [
        "step-000002"
    ]  # none inside the second generation
    assert len(RunFolder.open(out).metrics()) == 3
    run(out, grams, "train.steps=6", "train.iterations=2", resume=True)
    same_run(out, straight / "two")


def test_a_signal_inside_a_generation_waits_for_its_end(straight, tmp_path, grams):
    out = tmp_path / "r"

    def interrupt(step, values):
        if step == 3:  # the first of two steps on a generation; the next save would be far away
            os.kill(os.getpid(), signal.SIGTERM)

    sets = ("train.steps=6", "train.iterations=2", "train.save_steps=600")
    result = run(out, grams, *sets, progress=interrupt)
    assert (result["interrupted"], result["steps"]) == (signal.SIGTERM, 4)
    assert [path.name for path in (out / "checkpoints").glob("step-*")] == ["step-000004"]
    assert not (out / "final").exists()
    run(out, grams, *sets, resume=True)
    same_run(out, straight / "two")


def test_a_signal_in_a_last_step_inside_a_generation_names_the_step_that_was_saved(tmp_path, grams):
    said = []
    result = run(
        tmp_path / "r", grams, "train.steps=3", "train.iterations=2", said=said,
        progress=lambda step, values: step == 3 and os.kill(os.getpid(), signal.SIGTERM),
    )  # fmt: skip
    assert (result["interrupted"], result["steps"]) == (signal.SIGTERM, 3)
    assert newest(RunFolder.open(tmp_path / "r"), pytest.fail)[0] == 2
    assert said[-1] == f"interrupted at step 2, saved in {tmp_path / 'r' / 'checkpoints'}"


def test_a_signal_far_from_the_next_save_saves_at_once(straight, tmp_path, grams):
    out = tmp_path / "r"
    result = run(
        out, grams, "train.steps=4", "train.save_steps=500",
        progress=lambda step, values: step == 1 and os.kill(os.getpid(), signal.SIGINT),
    )  # fmt: skip
    assert (result["interrupted"], result["steps"]) == (signal.SIGINT, 2)
    assert newest(RunFolder.open(out), pytest.fail)[0] == 2
    run(out, grams, "train.steps=4", "train.save_steps=500", resume=True)
    same_run(out, straight / "one")


def test_each_generation_is_saved_once_with_group_ids_of_its_own(straight):
    by_step = groups(straight / "two")
    assert list(by_step) == [1, 3, 5]
    assert all(len(ids) == 4 for ids in by_step.values())
    assert len(set.union(*by_step.values())) == 12


def test_rollouts_of_a_generation_are_kept_where_any_of_its_steps_is_to_be(tmp_path, grams):
    run(tmp_path / "r", grams, "train.steps=8", "train.iterations=2", "log.rollouts_every=4")
    # step 1, and the generations of steps 3 to 4 and 7 to 8
    assert list(groups(tmp_path / "r")) == [1, 3, 7]


# ---- one writer
def test_a_second_writer_is_refused_before_it_touches_anything(straight, tmp_path, grams):
    out = tmp_path / "r"
    run(out, grams, "train.steps=2")
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    with one_writer(out), pytest.raises(ArtifactError, match=f"being written by process {os.getpid()}"):
        run(out, grams, "train.steps=4", resume=True)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    run(out, grams, "train.steps=4", resume=True)
    same_run(out, straight / "one")


def until_a_step(job, out):
    while not (out / "metrics.jsonl").exists() and job.poll() is None:
        time.sleep(0.02)


def test_the_second_of_two_commands_ends_with_1_and_the_first_goes_on(tmp_path, grams, forks):
    out = tmp_path / "r"
    first = forks.start(command(out, grams, "train.steps=500"))
    until_a_step(first, out)
    second = forks.run(command(out, grams, "train.steps=500", resume=True))
    first.terminate()
    assert (first.wait(), second.returncode) == (128 + signal.SIGTERM, 1), first.stderr + second.stderr
    assert f"is being written by process {first.pid}" in second.stderr
    assert "--resume" in second.stderr
    steps = [row["step"] for row in RunFolder.open(out).metrics()]
    assert steps == list(range(1, len(steps) + 1))


# ---- signals and kills
def test_sigint_saves_and_says_so(tmp_path, grams, forks):
    out = tmp_path / "r"
    job = forks.start(command(out, grams, "train.steps=500"))
    until_a_step(job, out)
    job.send_signal(signal.SIGINT)
    assert job.wait() == 130, job.stderr
    assert "interrupted at step" in job.stderr
    assert "--resume" in job.stderr
    steps = json.loads(job.stdout)["steps"]
    assert steps == len(RunFolder.open(out).metrics()) < 500
    assert (out / "checkpoints" / f"step-{steps:06d}" / "manifest.json").exists()
    assert not (out / "final").exists()


@pytest.mark.parametrize(
    ("pattern", "goes_on_from"),
    [
        (r"open .*/checkpoint-4/trainer_state.json", 2),  # while transformers writes its files
        (r"os.rename .*/checkpoints/step-000004$", 2),  # before it is published
        (r"os.rename .*/checkpoints/step-000002 ", 4),  # before the old one is removed
        (r"os.rename .*/final$", 4),  # before the model of the end is
    ],
)
def test_a_kill_while_a_step_is_saved_loses_that_step_at_most(straight, tmp_path, grams, forks, pattern, goes_on_from):
    """tests/unit/runs kills a checkpoint before every one of its file operations; this is a whole run at four of them."""
    out, sets = tmp_path / "r", ("train.steps=4", "train.keep_checkpoints=1")
    done = forks.run(command(out, grams, *sets), killed_at=pattern)
    assert done.returncode == -signal.SIGKILL, done.stderr
    said = []
    run(out, grams, *sets, resume=True, said=said)
    assert any(f"from step {goes_on_from}" in line for line in said)
    assert not any("passed over" in line for line in said)
    same_run(out, straight / "one")
    assert not [path.name for path in out.rglob(".*")]
    assert newest(RunFolder.open(out), pytest.fail)[0] == 4


def test_a_kill_in_the_middle_of_a_step_leaves_no_step_twice(straight, tmp_path, grams):
    """Step 3 has been logged and its rollouts are saved, and the newest checkpoint is of step 2."""
    out = tmp_path / "r"

    class Killed(BaseException):
        pass

    def die(step, values):
        if step == 3:
            raise Killed

    with pytest.raises(Killed):
        run(out, grams, "train.steps=4", progress=die)
    assert len(RunFolder.open(out).metrics()) == 3
    run(out, grams, "train.steps=4", resume=True)
    same_run(out, straight / "one")


# ---- a full disk
def test_a_full_disk_costs_the_steps_since_the_newest_checkpoint(straight, tmp_path, grams, forks):
    out = tmp_path / "r"
    run(out, grams, "train.steps=2")
    # what is written past this size fails, as on a full disk: the weights of the model, but no line of metrics
    most = (out / "final" / "model.safetensors").stat().st_size // 2
    done = forks.run(command(out, grams, "train.steps=4", resume=True), largest=most)
    assert done.returncode == 1
    assert newest(RunFolder.open(out), pytest.fail)[0] == 2
    assert [path.name for path in (out / "checkpoints").glob("step-*")] == ["step-000002"]
    run(out, grams, "train.steps=4", resume=True)
    same_run(out, straight / "one")


# ---- steps that are not finite
def test_weights_that_a_learning_rate_ruins_are_never_saved(tmp_path, grams):
    out = tmp_path / "r"
    sets = ("train.steps=6", "train.save_steps=1", "train.learning_rate=1e38", "train.warmup_steps=0")
    with pytest.raises(EngineError, match="3 optimiser steps in a row were refused, the last at step 3"):
        run(out, grams, *sets)
    folder = RunFolder.open(out)
    assert [row["hicra/steps_refused"] for row in folder.metrics()] == [1, 1, 1]
    kept = sorted((out / "refused").iterdir())
    assert [file.name for file in kept] == ["step-000001.parquet", "step-000002.parquet", "step-000003.parquet"]
    assert pl.read_parquet(kept[0])["refused"].unique().to_list() == ["a weight is not finite"]
    assert pl.read_parquet(kept[0]).height == 16
    for checkpoint in (out / "checkpoints").glob("step-*"):
        found = safetensors.torch.load_file(checkpoint / "model.safetensors")
        assert all(torch.isfinite(value).all() for value in found.values())
    with pytest.raises(EngineError, match="refused"):  # and a resume does not start to count anew
        run(out, grams, *sets, resume=True)
    assert len(folder.metrics()) == 3
    assert not (out / "final").exists()


def test_a_model_whose_outputs_are_not_finite_gets_no_checkpoint(tmp_path, grams, monkeypatch):
    """Finite weights may still overflow on their way to the outputs."""
    from hicra.engines.trl import keeper

    def publish(made, folder, step, keep):
        raise AssertionError("published")

    class Vast(keeper.Keeper):
        def on_save(self, args, state, control, **kwargs):
            for weight in self.trainer.model.parameters():
                weight.data.fill_(1e10)
            monkeypatch.setattr(keeper, "publish", publish)
            super().on_save(args, state, control, **kwargs)

    monkeypatch.setattr("hicra.engines.trl.run.Keeper", Vast)
    with pytest.raises(EngineError, match="outputs of the model are not finite after step 2") as error:
        run(tmp_path / "r", grams, "train.steps=4")
    assert "learning_rate" in error.value.fix
    assert list((tmp_path / "r" / "checkpoints").glob("step-*")) == []


# ---- lines and files that a crash has damaged
@pytest.mark.parametrize(
    "damage",
    [
        lambda good: good[:1],
        lambda good: [*good, good[2], b'{"step": 5, "lo'],
        lambda good: [*good, b"\xff\xfe\n", b"12\n"],
    ],
    ids=["lost", "doubled and torn", "no JSON"],
)
def test_damaged_metrics_are_those_of_the_checkpoint_again(straight, tmp_path, grams, damage):
    out = tmp_path / "r"
    shutil.copytree(straight / "one", out)
    file = out / "metrics.jsonl"
    file.write_bytes(b"".join(damage(file.read_bytes().splitlines(keepends=True))))
    said = []
    run(out, grams, "train.steps=4", resume=True, said=said)
    assert any("metrics.jsonl is repaired" in line for line in said)
    same_run(out, straight / "one")


def test_a_torn_evaluation_is_made_again(tmp_path, grams):
    out = tmp_path / "r"
    sets = ("train.steps=2", "eval.problems=8")
    run(out, grams, *sets)
    before = json.loads((out / "evaluation.json").read_text())
    (out / "evaluation.json").write_text("{\n")
    said = []
    run(out, grams, *sets, resume=True, said=said)
    assert json.loads((out / "evaluation.json").read_text()) == before
    assert any("evaluation.json" in line for line in said)


# ---- what a task says
def test_the_task_says_what_is_right_whatever_it_rewards(tmp_path, grams, monkeypatch):
    """A task may give part of a reward: here 0.2 to what is right, 0.9 to what is wrong, and leave some unknown."""
    from hicra.engines.trl import run as engine

    given = ((0.2, True), (0.9, False), (0.4, None), (None, None))

    def score_all(task, texts, rows, ended):
        pairs = (given[number % 4] for number in range(len(texts)))
        return [SimpleNamespace(reward=reward, correct=correct) for reward, correct in pairs]

    monkeypatch.setattr(engine, "score_all", score_all)
    run(tmp_path / "r", grams, "train.steps=1")
    folder = RunFolder.open(tmp_path / "r")
    (row,) = folder.metrics()
    assert row["hicra/accuracy"] == 0.5
    assert row["hicra/reward"] == pytest.approx(0.5)
    assert row["hicra/reward_errors"] == 4
    assert row["hicra/pass_at_2"] == 1.0  # of the two of each group whose verdict is known
    (frame,) = folder.rollouts()
    assert frame["correct"].to_list() == [True, False, None, None] * 4
    assert frame["reward"].to_list() == pytest.approx([0.2, 0.9, 0.4, None] * 4)


# ---- going on
def test_steps_may_grow_and_never_shrink(straight, tmp_path, grams):
    out = tmp_path / "r"
    shutil.copytree(straight / "one", out)
    with pytest.raises(ArtifactError, match="train.steps = 4, this run has 2"):
        run(out, grams, "train.steps=2", resume=True)
    assert len(RunFolder.open(out).metrics()) == 4


def test_a_run_that_is_not_finished_says_how_to_go_on(tmp_path, grams):
    out = tmp_path / "r"
    interrupt = lambda step, values: step == 1 and os.kill(os.getpid(), signal.SIGINT)  # noqa: E731
    run(out, grams, "train.steps=8", progress=interrupt)
    with pytest.raises(ArtifactError, match="not finished") as error:
        run(out, grams, "train.steps=8")
    assert "add --resume to go on (step 2 of 8)" in error.value.fix


def test_resume_alone_goes_on_with_the_recorded_config(straight, tmp_path, grams, forks):
    out = tmp_path / "a run"
    run(out, grams, "train.steps=4", progress=lambda step, values: step == 1 and os.kill(os.getpid(), signal.SIGINT))
    again = [*command(out, grams)[:4], "-o", "a run", "--resume", "--json"]
    done = forks.run(again, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    same_run(out, straight / "one")


def test_weights_come_with_their_method_and_lexicon(straight):
    for folder in (straight / "one" / "final", straight / "one" / "checkpoints" / "step-000004"):
        found = json.loads((folder / "hicra_credit.json").read_text())
        assert (found["kind"], found["method"], found["settings"]) == ("hicra.credit", "hicra", {"alpha": 0.2})
        assert found["lexicon"]["content_hash"] == RunFolder.open(straight / "one").manifest["inputs"]["lexicon"]
    assert weights(straight / "one" / "final") == weights(straight / "one" / "checkpoints" / "step-000004")
