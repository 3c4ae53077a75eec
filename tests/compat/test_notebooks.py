"""The notebooks of examples/ run as they stand, in a folder of their own, and find what their text says."""

from __future__ import annotations

import runpy
from typing import Any

import pytest

from paths import ROOT

FOLDER = ROOT / "examples" / "notebooks"
WITH_TORCH = "plug_into_trl"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a notebook in an empty folder that has the examples, and returns (its names, what it printed)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")

    def run_it(name: str) -> tuple[dict[str, Any], str]:
        return runpy.run_path(str(FOLDER / f"{name}.py")), capsys.readouterr().out

    return run_it


def test_mining(run):
    names, printed = run("mine_a_lexicon")
    assert names["lexicon"].phrases == ["the answer is", "we need to find"]  # as docs/start.md has them
    assert "8 of them are right; 2 questions" in printed
    assert "It is in 1 solution; min_df is 2." in printed  # why "let me try another way" is not in it
    assert (names["OUT"] / "lexicon.json").is_file()


def test_tagging(run):
    names, printed = run("tag_rollouts")
    assert "LET US STACK UPWARDS 13 + 16" in printed
    assert "8 ; THAT FAILS TRY ANOTHER WAY\n" in printed
    assert names["mask"].sum() == 9  # four words of the plan, two of the failure, three of the retry
    assert "planning: ['Let me think about this step by step.', 'Let me check the answer:']" in printed


def test_diagnosing_another_run(run):
    names, printed = run("diagnose_a_run")
    assert names["said"]["format"] == "verl"
    assert [step["hicra/accuracy"] for step in names["found"]["steps"]] == [3 / 8, 5 / 8]  # right rollouts of 8 a step
    assert all(step["hicra/entropy_planning"] is None for step in names["found"]["steps"])
    assert "not seen: " in printed
    assert "<mark" in (names["OUT"] / "diagnosed.html").read_text(encoding="utf-8")


def test_a_method_of_ones_own(run):
    names, printed = run("own_method")
    # row 0 has A = 0.5: 0.6 on its first planning stretch and 0.5 on the second; row 1 has A = -0.5: -0.4 on its only one
    shaped = names["FIRST_PLAN"](names["A"], names["batch"]).round(2).tolist()
    assert shaped == [[0.6, 0.6, 0.5, 0.5, 0.5, 0.5], [-0.5, -0.4, -0.5, -0.5, -0.5, -0.5]]
    assert "did you mean 'alpha'?" in printed


def test_a_paired_test_of_two_logs(run):
    names, printed = run("paired_test")
    found = names["found"]
    assert found.n == names["paired"].height == 200
    assert found.low < 0.15 < found.high  # the truth is a little below 0.15, since a chance cannot pass 1
    assert names["high"] - names["low"] > found.high - found.low
    assert f"the verdict on these: B is {found.verdict}" in printed


@pytest.mark.engine
@pytest.mark.slow
def test_plugging_into_trl(run):
    pytest.importorskip("trl")
    names, printed = run(WITH_TORCH)
    logged = [entry for entry in names["trainer"].state.log_history if "reward" in entry]
    assert len(logged) == 2
    assert all(0 <= entry["hicra/changed_share"] <= entry["hicra/planning_share"] for entry in logged)
    assert [line.split()[0] for line in printed.splitlines() if line.startswith("reward ")] == ["reward", "reward"]


def test_every_notebook_is_run_above_and_is_made_of_cells():
    assert NAMES == ["diagnose_a_run", "mine_a_lexicon", "own_method", "paired_test", WITH_TORCH, "tag_rollouts"]
    for name in NAMES:
        text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
        assert text.startswith("# %% [markdown]\n# # "), name
        assert text.count("\n# %%\n") >= 2, name
        assert f"python examples/notebooks/{name}.py" in text.replace("\n# ", " "), name
