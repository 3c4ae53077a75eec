"""The recipe of CARL on a chain: its start model is found by its config, and a step of it says what the environment knows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from hicra.engines.train import train
from hicra.generation.models import resolve
from hicra.generation.sampling import load
from hicra.runs import RunFolder
from hicra.runs.config import load_config
from paths import ROOT
from scripts import script

pytestmark = [pytest.mark.slow, pytest.mark.engine]
RECIPE = ROOT / "recipes" / "carl-chain"
SMALL = ("train.steps=1", "train.prompts_per_step=1", "system.settings={n0: 3, n: 2, update: all}", "eval.problems=2")


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script with few demonstrations and updates, under a name of its own: other recipes have one of the same name."""
    pytest.importorskip("torch")
    module = script(RECIPE / "warmstart.py", "chain_warmstart")
    monkeypatch.setattr(module, "EPISODES", 2)
    monkeypatch.setattr(module, "UPDATES", 2)
    return module


def test_a_short_start_is_the_same_twice_and_is_never_overwritten(
    recipe: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        assert recipe.main(["-o", str(tmp_path / name)]) == 0
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    assert recipe.main(["-o", str(tmp_path / "one")]) == 1
    assert "error: " in capsys.readouterr().err
    model, tokenizer = load(tmp_path / "one", 1)
    assert model.config.hidden_size == recipe.SIZES["width"]
    assert tokenizer.encode("s0 a1", add_special_tokens=False) != []


def test_the_config_finds_the_model_where_the_command_of_its_page_puts_it(recipe: Any, tmp_path: Path) -> None:
    folder = tmp_path / "recipes" / "carl-chain"
    folder.mkdir(parents=True)
    shutil.copy(RECIPE / "config.yaml", folder)
    place = "runs/chain-start"
    assert f"warmstart.py -o {place}" in (RECIPE / "README.md").read_text(encoding="utf-8")
    assert recipe.main(["-o", str(tmp_path / place)]) == 0
    config, _ = load_config(folder / "config.yaml", list(SMALL))
    assert resolve(config.model.name).resolve() == (tmp_path / place).resolve()
    train(config, tmp_path / "run", resume=False, say=lambda text: None, progress=lambda step, values: None)
    (table,) = RunFolder.open(tmp_path / "run").rollouts()
    for row in table.iter_rows(named=True):
        assert len(row["critical_mask"]) == len(row["token_ids"])
        assert {*row["critical_mask"]} <= {0, 1}
    # the three rollouts from the root pass step 4, whose choice is critical whatever was chosen before it
    assert sum(any(row["critical_mask"]) for row in table.iter_rows(named=True)) >= 3
