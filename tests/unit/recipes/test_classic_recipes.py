"""The recipes of PEAR and OPARL name the extra that is missing, and end where it is there."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from scripts import script

MODULES = {"pear": "hicra.related.classic.pear", "oparl": "hicra.related.classic.oparl"}


def recipe(name: str) -> ModuleType:
    return script(f"recipes/{name}/run.py", f"{name}_recipe")


@pytest.mark.parametrize("name", MODULES)
def test_a_missing_library_is_named_with_its_extra(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [one for one in sys.modules if one.startswith(MODULES[name])]:
        monkeypatch.delitem(sys.modules, module)
    for module in [*(one for one in sys.modules if one.startswith("stable_baselines3")), "stable_baselines3"]:
        monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    for module in [one for one in sys.modules if one.startswith("gymnasium")]:
        monkeypatch.setitem(sys.modules, module, None)
    assert recipe(name).main(["--steps", "10"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {name.upper()} needs ")
    assert "which is not installed" in said
    assert "[classic]" in said


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("words", [["--steps", "0"], ["--steps", "-1"], ["--seed", "-1"], ["--seed", str(2**32)]])
def test_a_number_out_of_its_range_is_wrong_usage(
    name: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        recipe(name).main(words)
    assert ended.value.code == 2
    assert f"argument {words[0]}: '{words[1]}' is no whole number" in capsys.readouterr().err


@pytest.mark.parametrize("task", ["Pendlum-v1", "Pendulum-v99"])
def test_an_environment_that_gymnasium_does_not_have_is_named(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("stable_baselines3")
    assert recipe("oparl").main(["--task", task, "--steps", "10"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: gymnasium cannot make the environment {task!r}")
    assert "Pendulum" in said


@pytest.mark.slow
def test_oparl_ends(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("stable_baselines3")
    assert recipe("oparl").main(["--steps", "40", "--arm", "td3"]) == 0
    assert "mean return of 10 held-out episodes" in capsys.readouterr().out


@pytest.mark.slow
def test_pear_ends_and_says_how_often_it_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("stable_baselines3")
    pytest.importorskip("gymnasium_robotics")
    assert recipe("pear").main(["--steps", "60"]) == 0
    said = capsys.readouterr().out
    assert "subgoals of a demonstration: " in said
    assert said.count("of the held-out episodes reach the goal") >= 1
