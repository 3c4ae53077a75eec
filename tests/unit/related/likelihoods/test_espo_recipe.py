"""The recipe of ESPO: a run from the command line, gone on with after a stop, and named errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from scripts import script

SMALL = ["--updates", "60", "--seed", "5"]


@pytest.fixture(scope="module")
def recipe() -> Any:
    """The script, under a name of its own."""
    return script("recipes/espo/run.py", "espo_recipe")


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_as_one_that_was_not(
    recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recipe, "EVERY", 2)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert recipe.main(["countdown", "-o", str(whole), "--steps", "4", *SMALL]) == 0
    assert "held-out solved " in capsys.readouterr().out
    assert recipe.main(["countdown", "-o", str(cut), "--steps", "2", *SMALL]) == 0
    assert recipe.main(["countdown", "-o", str(cut), "--steps", "4", "--resume", *SMALL]) == 0
    lines = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 1, 2, 3, 4]
    assert [json.loads(line) for line in (cut / "metrics.jsonl").read_text().splitlines()] == lines
    for name in ("start", "training"):
        file = f"{name}/model.safetensors"
        assert (whole / file).read_bytes() == (cut / file).read_bytes()
    assert (whole / "start/model.safetensors").read_bytes() != (whole / "training/model.safetensors").read_bytes()
    assert recipe.main(["countdown", "-o", str(cut), "--steps", "4", "--resume", "--kl", "k3", *SMALL]) == 1
    assert "objective.kl is k3, and the run in " in capsys.readouterr().err
    assert recipe.main(["countdown", "-o", str(whole)]) == 1
    assert "--overwrite" in capsys.readouterr().err


def test_what_is_wrong_is_named(recipe: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        (["countdwn", "-o", str(tmp_path / "a")], "did you mean 'countdown'"),
        (["countdown", "-o", str(tmp_path / "a"), "--resume"], "holds no run to go on with"),
        (["countdown", "-o", str(tmp_path / "a"), "--level", "word"], "level"),
    ):
        assert recipe.main(arguments) == 1
        assert said in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_every_recipe_is_one_that_its_puzzle_and_the_sampler_take(recipe: Any) -> None:
    for one in recipe.RECIPES.values():
        assert one.learning_rate > 0
    assert {name: one.denoising for name, one in recipe.RECIPES.items()} == {"countdown": 5, "sudoku": 16}
