"""The recipe of exits ends, says what it found, and refuses a wrong input in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import script


@pytest.mark.slow
def test_it_says_what_it_found(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = script("recipes/exits/run.py", "exits_recipe")
    monkeypatch.setattr(recipe, "MOST", 3)
    assert recipe.main(["--side", "2", "--training", "30", "--episodes", "20"]) == 0
    said = capsys.readouterr().out
    assert "exits after 30 episodes of each of 5 training tasks (there are 16)" in said
    for name in ("UCBVI that knows the inside", "from exit to exit", "HICRA on all others"):
        assert name in said
    assert "GRPO                 3" in said  # as many steps as are tried at most


def test_a_wrong_input_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = script("recipes/exits/run.py", "exits_recipe")
    assert recipe.main(["--side", "1"]) == 1
    assert capsys.readouterr().err.startswith("error: rooms of side 1")


@pytest.mark.parametrize("words", [["--seed", "-1"], ["--training", "0"], ["--episodes", "0"]])
def test_a_number_out_of_its_range_is_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    recipe = script("recipes/exits/run.py", "exits_recipe")
    with pytest.raises(SystemExit) as ended:
        recipe.main(words)
    assert ended.value.code == 2
    assert f"argument {words[0]}: '{words[1]}' is no whole number" in capsys.readouterr().err


def test_a_picture_that_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = script("recipes/exits/run.py", "exits_recipe")
    monkeypatch.setattr(recipe, "save_picture", lambda *given: pytest.fail("it was drawn"))
    there = tmp_path / "there.png"
    there.write_bytes(b"kept")
    for file, said in ((there, "already exists"), (tmp_path / "rooms.gif", "unknown ending '.gif'")):
        assert recipe.main(["--picture", str(file)]) == 1
        assert said in capsys.readouterr().err
    assert there.read_bytes() == b"kept"
