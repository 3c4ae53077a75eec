"""`hicra train` on the embedded task: the run folder, resuming to the bit, and refusals before anything is written."""

import json
import re
import resource
import shutil

import polars as pl
import pytest

pytest.importorskip("trl")

import train_small
from hicra import corpus
from hicra.engines.train import train
from hicra.errors import ArtifactError, ConfigError, FileError
from hicra.runs import RunFolder
from hicra.runs.config import load_config
from hicra.tasks.plan_execute.language import EOS, ID_OF
from train_small import grams_file

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def grams(tmp_path_factory):
    return grams_file(tmp_path_factory.mktemp("lexicon"))


def run(out, grams, *sets, **more):
    """(what `train` returns, the steps it went through), with an evaluation and rollouts of every second step."""
    steps = []
    result = train_small.run(
        out, grams, "eval.problems=16", "log.rollouts_every=2", *sets, progress=lambda s, v: steps.append(s), **more
    )
    return result, steps


def weights(path):
    return train_small.weights(path / "final")


@pytest.fixture(scope="module")
def straight(tmp_path_factory, grams):
    out = tmp_path_factory.mktemp("runs") / "straight"
    result, steps = run(out, grams, "train.steps=4")
    assert steps == [1, 2, 3, 4]
    return out, result


def test_run_folder(straight):
    out, result = straight
    assert {"run_dir", "steps", "final"} <= set(result)
    assert result["steps"] == 4
    assert 0 <= result["final"]["eval/accuracy"] <= 1
    manifest = json.loads((out / "hicra.json").read_text())
    assert manifest["kind"] == "hicra.run"
    assert (manifest["method"], manifest["seed"]) == ("hicra", 0)
    assert manifest["config"]["train"]["max_new_tokens"] < 100  # the task's own bound
    assert set(manifest["inputs"]) == {"lexicon", "model", "rows", "verifier"}
    rows = RunFolder.open(out).metrics()
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert all(
        row.keys() >= {"hicra/accuracy", "hicra/planning_share", "hicra/semantic_entropy_rarefied"} for row in rows
    )
    assert all(0 < row["hicra/planning_share"] < 0.5 for row in rows)
    assert all(row["hicra/changed_share"] <= row["hicra/planning_share"] for row in rows)
    assert sorted(path.name for path in (out / "checkpoints").iterdir()) == ["step-000002", "step-000004"]
    assert set(json.loads((out / "evaluation.json").read_text())) == {"start", "final"}


def test_saved_rollouts(straight):
    out, _ = straight
    files = RunFolder.open(out).rollout_files()
    assert [file.name for file in files] == ["step-000001.parquet", "step-000002.parquet", "step-000004.parquet"]
    table = pl.read_parquet(files[0])
    assert table.height == 16
    assert table["group_id"].n_unique() == 4
    for row in table.iter_rows(named=True):
        n = len(row["token_ids"])
        assert (
            n == len(row["planning_mask"]) == len(row["token_ends"]) == len(row["entropies"]) == len(row["advantages"])
        )
        assert all(value is not None and value >= 0 for value in row["entropies"])
        assert row["labels"] is not None
        assert row["truncated"] is (ID_OF[EOS] not in row["token_ids"])
        for span in row["spans"]:
            assert row["response"][span["start"] : span["end"]] == span["gram"]
        for planning, after in zip(row["planning_mask"], row["advantages"], strict=True):
            expected = row["advantage"] + 0.2 * abs(row["advantage"]) * planning
            assert after == pytest.approx(expected, abs=1e-6)


def test_no_saved_rollout_is_taken_for_a_duplicate(straight):
    """Equal responses to one problem are rollouts of their own, so diagnosing the run's own files counts all of them."""
    files = RunFolder.open(straight[0]).rollout_files()
    rows = pl.concat([pl.read_parquet(file) for file in files])
    read = corpus.read(files)
    assert (read.kept, read.duplicates) == (rows.height, 0)
    assert rows.select("step", "id").n_unique() == rows.height
    assert rows["problem"].n_unique() < rows.height


def test_resume_equals_the_straight_run(straight, tmp_path, grams):
    out, _ = straight
    run(tmp_path / "r", grams, "train.steps=2")
    said = []
    result, steps = run(tmp_path / "r", grams, "train.steps=4", resume=True, said=said)
    assert steps == [3, 4]
    assert result["steps"] == 4
    assert any("resuming" in line for line in said)
    assert weights(tmp_path / "r") == weights(out)
    same = ["hicra/reward", "hicra/planning_share", "hicra/entropy_planning", "loss"]
    pairs = zip(RunFolder.open(tmp_path / "r").metrics(), RunFolder.open(out).metrics(), strict=True)
    assert all(a[name] == b[name] for a, b in pairs for name in same)


def test_a_damaged_checkpoint_is_passed_over(straight, tmp_path, grams):
    shutil.copytree(straight[0], tmp_path / "r")
    newest = tmp_path / "r" / "checkpoints" / "step-000004" / "model.safetensors"
    data = bytearray(newest.read_bytes())
    data[-1] ^= 1
    newest.write_bytes(data)
    said = []
    _, steps = run(tmp_path / "r", grams, "train.steps=4", resume=True, said=said)
    assert steps == [3, 4]
    assert any("step-000004 is passed over: model.safetensors is damaged" in line for line in said)
    assert weights(tmp_path / "r") == weights(straight[0])


def test_refusals(straight, tmp_path, grams, monkeypatch):
    out, _ = straight
    with pytest.raises(ArtifactError, match="already exists"):
        run(out, grams, "train.steps=4")
    with pytest.raises(ArtifactError, match=r"train\.learning_rate"):
        run(out, grams, "train.steps=4", "train.learning_rate=2e-3", resume=True)
    with pytest.raises(ArtifactError, match=r"method\.name"):
        run(out, grams, "train.steps=4", method="none", resume=True)
    other = tmp_path / "other.txt"
    other.write_text("we can\n")
    for sets, error, word in (
        (["lexicon=absent"], ConfigError, "absent"),
        (["model.name=plan-execute-strongg"], ConfigError, "plan-execute-strong"),
        (["task.name=plan_exec"], ConfigError, "plan_execute"),
        (["task.settings.nouns=1000"], ConfigError, "nouns"),
    ):
        with pytest.raises(error, match=word):
            run(tmp_path / "new", grams, *sets)
    assert not (tmp_path / "new").exists()


def test_none_changes_nothing_and_ends_elsewhere(straight, tmp_path, grams):
    run(tmp_path / "none", grams, "train.steps=4", method="none")
    run(tmp_path / "zero", grams, "train.steps=4", "method.settings.alpha=0.0")
    assert weights(tmp_path / "none") == weights(tmp_path / "zero") != weights(straight[0])
    assert all(row["hicra/changed_share"] == 0 for row in RunFolder.open(tmp_path / "none").metrics())


def test_resuming_a_finished_run_changes_nothing(straight, tmp_path, grams):
    shutil.copytree(straight[0], tmp_path / "r")
    before = weights(tmp_path / "r")
    result, steps = run(tmp_path / "r", grams, "train.steps=4", resume=True)
    assert steps == []
    assert result["steps"] == 4
    assert weights(tmp_path / "r") == before


def test_overwrite_replaces_a_run_and_no_input(tmp_path, grams):
    out = tmp_path / "run"
    run(out, grams, "train.steps=1", "train.save_steps=1", "eval.problems=0")
    (out / "note.txt").write_text("of the first run")
    config, _ = load_config(None, [*train_small.SMALL, f"lexicon={grams}", "train.steps=1"], "none")
    given = {"resume": False, "overwrite": True, "say": lambda text: None, "progress": lambda step, values: None}
    inside = out / "config.yaml"
    inside.write_text("{}")
    with pytest.raises(ArtifactError, match="would replace the input"):
        train(config, out, read=[inside], **given)
    assert (out / "note.txt").exists()
    with pytest.raises(ConfigError, match="resume goes on with what overwrite would replace"):
        train(config, out, **given | {"resume": True})
    assert train(config, out, **given)["steps"] == 1
    assert not (out / "note.txt").exists()
    assert RunFolder.open(out).method == "none"


def test_a_full_disk_ends_in_one_error_and_resumes(tmp_path, grams):
    out, least = tmp_path / "run", resource.getrlimit(resource.RLIMIT_FSIZE)
    for largest in (50_000, 1_500_000):  # no room for the weights, and none for the optimizer's state beside them
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, least[1]))
        try:
            with pytest.raises(FileError, match=f"^{re.escape(str(out))}") as error:
                run(out, grams, "train.steps=2", "train.save_steps=1", "eval.problems=0", resume=out.exists())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, least)
        assert "make room" in error.value.fix
        assert [path for path in (out / "checkpoints").iterdir() if path.name[0] != "."] == []
    result, steps = run(out, grams, "train.steps=2", "train.save_steps=1", "eval.problems=0", resume=True)
    assert (result["steps"], steps) == (2, [1, 2])
