"""The recipe of attention: what it prints, and rollouts that `hicra diagnose` reads."""

import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from paths import ROOT
from scripts import script

pytestmark = pytest.mark.slow


def test_it_compares_reads_and_leaves_its_rollouts(tmp_path, monkeypatch, capsys):
    recipe = script(ROOT / "recipes" / "attention" / "look.py", "attention_look")
    out = tmp_path / "rollouts"
    monkeypatch.setattr(sys, "argv", ["look.py", "--problems", "6", "--alpha", "0", "-o", str(out)])
    assert recipe.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["plain", "extended", "everywhere"]
    assert all("difference +0.0 points" in line for line in lines[:3])  # alpha is 0
    assert lines[3].startswith("Attention received, where even attention is 1:")
    assert [line.split(":")[0] for line in lines[4:]] == [
        "preplan_anchor, tokens=preplan",
        "preplan_anchor, tokens=anchor",
    ]
    assert len((out / "rollouts.jsonl").read_text(encoding="utf-8").splitlines()) == 24
    assert recipe.main() == 1  # the folder is there
    assert "error: " in capsys.readouterr().err
