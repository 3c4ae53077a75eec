"""The run folder: steps in order, nothing half-written, nothing logged twice after a resume."""

import json

import polars as pl
import pytest

from hicra.errors import ArtifactError
from hicra.runs import RunFolder


def make(tmp_path):
    return RunFolder.create(tmp_path / "run", method="hicra", seed=3, config={"a": 1}, inputs={"model": "0"})


def test_round_trip(tmp_path):
    run = make(tmp_path)
    run.log(1, {"hicra/accuracy": 0.5, "hicra/reward": float("nan")})
    run.write_rollouts(1, pl.DataFrame({"step": [1], "response": ["x"]}))
    again = RunFolder.open(run.path)
    assert (again.method, again.seed) == ("hicra", 3)
    assert again.metrics() == [{"step": 1, "hicra/accuracy": 0.5, "hicra/reward": None}]
    assert next(again.rollouts())["response"].to_list() == ["x"]
    assert json.loads((run.path / "hicra.json").read_text())["kind"] == "hicra.run"


def test_refusals(tmp_path):
    run = make(tmp_path)
    with pytest.raises(ArtifactError, match="already exists"):
        make(tmp_path)
    with pytest.raises(ArtifactError, match="no run folder"):
        RunFolder.open(tmp_path / "absent")
    (run.path / "metrics.jsonl").write_text('{"step": 1}\n{"st')
    with pytest.raises(ArtifactError, match="line 2"):
        run.metrics()
    for tail in (b"\xff\xfe\n", b"12\n", b"[" * 100_000 + b"\n"):
        (run.path / "metrics.jsonl").write_bytes(b'{"step": 1}\n' + tail)
        with pytest.raises(ArtifactError, match="line 2 is .*\n.*--resume"):
            run.metrics()
    (run.path / "hicra.json").write_text(json.dumps({"kind": "hicra.run", "schema_version": 2}))
    with pytest.raises(ArtifactError, match="schema_version 2"):
        RunFolder.open(run.path)


@pytest.mark.parametrize("file", ["checkpoint-5/trainer_state.json", "training_args.bin"])
def test_the_output_of_a_trainer_is_told_from_a_run_folder(tmp_path, file):
    place = tmp_path / "out" / file
    place.parent.mkdir(parents=True)
    place.write_text("{}", encoding="utf-8")
    with pytest.raises(
        ArtifactError, match="holds no hicra.json: it is the output of a trainer of transformers"
    ) as error:
        RunFolder.open(tmp_path / "out")
    assert "run_dir" in error.value.fix
    with pytest.raises(ArtifactError, match="holds no hicra.json") as error:
        RunFolder.open(tmp_path)
    assert "check the path" in error.value.fix


def test_a_diagnosed_run_is_made_again_and_not_resumed(tmp_path):
    run = RunFolder.create(tmp_path / "a run", method="rlvr", seed=0, config={"counts": "words"})
    (run.path / "metrics.jsonl").write_text('{"step": 1}\n{"st', encoding="utf-8")
    with pytest.raises(ArtifactError, match="line 2 is not JSON") as error:
        run.metrics()
    assert error.value.fix == f"`hicra diagnose ROLLOUTS -o '{run.path}' --overwrite` makes it again"
