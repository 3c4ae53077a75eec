"""The recipe of ETPO: a start model of each world writes whole actions, and the config finds it where its page puts it."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hicra.related.critics.train import main
from hicra.related.environments.model_choice import ModelChoice
from hicra.related.environments.strings import Strings
from hicra.runs import RunFolder
from paths import ROOT
from scripts import script

pytestmark = [pytest.mark.slow, pytest.mark.engine]
RECIPE = ROOT / "recipes" / "etpo"
SHORT = ("train.steps=1", "train.prompts_per_step=4", "eval.problems=2", "system.settings={updates: 1}")


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script with few demonstrations and updates, under a name of its own."""
    module = script(RECIPE / "warmstart.py", "etpo_warmstart")
    monkeypatch.setattr(module, "EPISODES", 4)
    monkeypatch.setattr(module, "UPDATES", 2)
    return module


@pytest.mark.parametrize(("name", "folder"), [("strings", "strings-start"), ("model_choice", "model-choice-start")])
def test_the_commands_of_the_page_train(recipe: Any, tmp_path: Path, name: str, folder: str) -> None:
    place = f"runs/{folder}"
    assert f"warmstart.py {name} -o {place}" in (RECIPE / "README.md").read_text(encoding="utf-8")
    assert recipe.main([name, "-o", str(tmp_path / place)]) == 0
    (tmp_path / "recipes" / "etpo").mkdir(parents=True)
    shutil.copy(RECIPE / "config.yaml", tmp_path / "recipes" / "etpo")
    sets = (
        [*SHORT]
        if name == "strings"
        else [*SHORT, f"task.name={name}", "task.settings={}", f"model.name={tmp_path / place}"]
    )
    config = tmp_path / "recipes" / "etpo" / "config.yaml"
    words = ["--config", str(config), "-o", str(tmp_path / "run"), *(word for one in sets for word in ("--set", one))]
    assert main(words) == 0
    assert len(RunFolder.open(tmp_path / "run").metrics()) == 1


def test_a_start_is_the_same_twice_and_is_never_overwritten(
    recipe: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        assert recipe.main(["strings", "-o", str(tmp_path / name)]) == 0
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    assert recipe.main(["strings", "-o", str(tmp_path / "one")]) == 1
    assert "error: " in capsys.readouterr().err


def test_the_demonstrator_prefers_the_wanted_letter_at_every_place_and_no_choice_of_a_model(recipe: Any) -> None:
    world, chance = Strings(), Random(0)
    world.reset(0)
    drawn = [recipe.careless(world, chance).split() for _ in range(2000)]
    for place in range(5):  # 1/4 + 3/4 of a quarter
        assert sum(one[place] == world.wanted for one in drawn) / 2000 == pytest.approx(0.4375, abs=0.04)
    models = ModelChoice()
    models.reset(0)
    assert len({recipe.careless(models, chance) for _ in range(400)}) == 22
