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


@pytest.fixture
def quick(recipe: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script with evaluations that cost nothing and a start model that is not trained."""
    monkeypatch.setattr(recipe.ESPO, "held_out", lambda self, seed=0: {"solved": 0.0, "reward": 0.0})
    monkeypatch.setattr(recipe, "pretrain", lambda *given, **more: None)
    return recipe


def test_a_run_is_gone_on_with_as_it_began_or_not_at_all(
    quick: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert quick.main(["countdown", "-o", str(run), "--steps", "2"]) == 0
    kept = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    for more, said in (
        (["--level", "token"], "has settings.objective.level 'sequence', and 'token' is asked for now"),
        (["--seed", "7"], "has settings.seed 0, and 7 is asked for now"),
        (["--updates", "3"], "has updates 800, and 3 is asked for now"),
        (["--steps", "1"], "has taken 2 steps, and --steps is 1"),
        (["--overwrite"], "give --resume or --overwrite"),
    ):
        assert quick.main(["countdown", "-o", str(run), "--resume", *more]) == 1
        assert said in capsys.readouterr().err
        assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == kept
    with open(run / "metrics.jsonl", "a", encoding="utf-8") as metrics:
        metrics.write('{"step": 3, "rew')  # as a full disk leaves it
    assert quick.main(["countdown", "-o", str(run), "--resume", "--steps", "3"]) == 0
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines] == [0, 1, 2, 3]


def test_a_run_that_is_replaced_leaves_nothing_behind_and_stays_until_then(
    quick: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert quick.main(["countdown", "-o", str(run), "--steps", "1"]) == 0
    kept = (run / "training/model.safetensors").read_bytes()

    def stopped(*given: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(quick, "pretrain", stopped)
        assert quick.main(["countdown", "-o", str(run), "--overwrite", "--seed", "1"]) == 130
    assert "error: interrupted" in capsys.readouterr().err
    assert (run / "training/model.safetensors").read_bytes() == kept
    with monkeypatch.context() as patch:
        patch.setattr(quick, "train", stopped)
        assert quick.main(["countdown", "-o", str(run), "--overwrite", "--seed", "1"]) == 130
    assert not (run / "training").exists()  # that of the run that was replaced is not gone on with
    (run / "recipe.json").unlink()
    assert quick.main(["countdown", "-o", str(run), "--resume"]) == 1
    assert "begin it anew with --overwrite" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--steps", "-1"], ["--updates", "0"], ["--seed", "-1"], ["--seed", "one"]])
def test_a_number_out_of_its_range_is_wrong_usage(
    recipe: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        recipe.main(["countdown", "-o", str(tmp_path / "run"), *words])
    assert ended.value.code == 2
    assert f"argument {words[0]}: '{words[1]}' is no whole number" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_every_recipe_is_one_that_its_puzzle_and_the_sampler_take(recipe: Any) -> None:
    for one in recipe.RECIPES.values():
        assert one.learning_rate > 0
    assert {name: one.denoising for name, one in recipe.RECIPES.items()} == {"countdown": 5, "sudoku": 16}
