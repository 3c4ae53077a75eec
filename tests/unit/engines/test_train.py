"""What `hicra train` says of a run that has ended, goes on to more steps and is interrupted there; the engine is a stand-in."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hicra.engines.held_out import read_evaluation
from hicra.engines.interface import Interrupted
from hicra.engines.train import _train
from hicra.runs import RunFolder

START = {"accuracy": 0.25, "problems": 4}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run of two steps that has ended, with its evaluations."""
    made = RunFolder.create(tmp_path / "run", method="hicra", seed=0, config={})
    for step in (1, 2):
        made.log(step, {"hicra/accuracy": 0.5})
    found = {"start": START, "final": {"accuracy": 0.75, "problems": 4}}
    (made.path / "evaluation.json").write_text(json.dumps(found), encoding="utf-8")
    return made


def going_on(engine: Any) -> Any:
    return SimpleNamespace(engine=engine, model=Path("model"), config=SimpleNamespace(eval=SimpleNamespace(problems=0)))


def test_the_evaluation_of_the_earlier_end_is_not_that_of_an_interrupted_run(run: RunFolder) -> None:
    def interrupted(prepared: Any, folder: RunFolder, resume: Path | None, progress: Any) -> None:
        folder.log(3, {"hicra/accuracy": 0.625})
        raise Interrupted(15, 3)

    said: list[str] = []
    found = _train(going_on(interrupted), run, (2, run.checkpoints / "step-000002"), said.append, lambda *_: None)
    assert found == {"run_dir": str(run.path), "steps": 3, "final": {"hicra/accuracy": 0.625}, "interrupted": 15}
    assert read_evaluation(run) == {"start": START}
    assert said == [f"interrupted at step 3, saved in {run.checkpoints}"]
