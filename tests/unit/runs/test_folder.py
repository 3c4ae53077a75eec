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


def test_rewind_drops_later_steps_and_a_torn_line(tmp_path):
    run = make(tmp_path)
    for step in (1, 2, 3):
        run.log(step, {})
        run.write_rollouts(step, pl.DataFrame({"step": [step]}))
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write('{"step": 4, "hic')
    run.rewind(2)
    assert [row["step"] for row in run.metrics()] == [1, 2]
    assert [path.name for path in run.rollout_files()] == ["step-000001.parquet", "step-000002.parquet"]


def test_refusals(tmp_path):
    run = make(tmp_path)
    with pytest.raises(ArtifactError, match="already exists"):
        make(tmp_path)
    with pytest.raises(ArtifactError, match="no run folder"):
        RunFolder.open(tmp_path / "absent")
    (run.path / "metrics.jsonl").write_text('{"step": 1}\n{"st')
    with pytest.raises(ArtifactError, match="line 2"):
        run.metrics()
    (run.path / "hicra.json").write_text(json.dumps({"kind": "hicra.run", "schema_version": 2}))
    with pytest.raises(ArtifactError, match="schema_version 2"):
        RunFolder.open(run.path)
