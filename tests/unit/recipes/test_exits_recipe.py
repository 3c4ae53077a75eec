"""The recipe of exits ends, says what it found, and refuses a wrong input in one line."""

from __future__ import annotations

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
