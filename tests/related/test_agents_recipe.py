"""The recipe of agents: a start model from the command line, the same twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hicra.related.task import begin
from hicra.runs.config import load_config
from paths import ROOT
from scripts import script

pytestmark = [pytest.mark.slow, pytest.mark.engine]
FOLDER = ROOT / "recipes" / "agents"


@pytest.fixture
def recipe() -> Any:
    """The script, under a name of its own: another recipe has one of the same name."""
    pytest.importorskip("torch")
    return script(FOLDER / "warmstart.py", "agents_warmstart")


def test_a_short_start_is_the_same_twice_and_is_never_overwritten(
    recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("minigrid")
    monkeypatch.setitem(
        recipe.RECIPES, "minigrid", recipe.Recipe("minigrid", 0.5, {"size": 5, "longest": 6}, episodes=3, updates=2)
    )
    for name in ("one", "two"):
        assert recipe.main(["minigrid", "-o", str(tmp_path / name), "--episodes", "2"]) == 0
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    assert "success grpo " in capsys.readouterr().out
    assert recipe.main(["minigrid", "-o", str(tmp_path / "one")]) == 1
    assert recipe.main(["mingrid", "-o", str(tmp_path / "three")]) == 1
    assert "did you mean 'minigrid'" in capsys.readouterr().err


@pytest.mark.parametrize("system", ["himac", "grpo", "gigpo", "hiper"])
def test_the_config_is_one_that_its_engine_takes_for_every_agent(system: str) -> None:
    pytest.importorskip("hcraft")
    config, _ = load_config(FOLDER / "config.yaml", [f"system.name={system}", "train.group_size=16"])
    whole, task = begin(config)
    assert (config.engine, task.name, whole.task.settings) == ("related", "hcraft", {"things": 1, "longest": 15})
    assert whole.system.settings["group_size"] == 16


def test_the_config_takes_the_other_world_as_its_page_says() -> None:
    pytest.importorskip("minigrid")
    config, _ = load_config(FOLDER / "config.yaml", ["task.name=minigrid", "task.settings={size: 5, longest: 20}"])
    assert begin(config)[0].task.settings["size"] == 5
