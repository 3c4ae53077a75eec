"""The examples of a method, a baseline and a loss of one's own run by the command that they print."""

from __future__ import annotations

import json
import re
import shlex

import pytest

pytest.importorskip("trl")

from hicra import cli
from paths import ROOT

pytestmark = pytest.mark.engine

SMALL = [
    "--set", "train.prompts_per_step=4", "--set", "train.group_size=4", "--set", "eval.problems=0", "--set", "train.save_steps=3",
]  # fmt: skip


@pytest.mark.parametrize(("file", "changes"), [("own_method.py", "own_method:late"), ("own_parts.py", "sure")])
def test_an_example_runs_by_its_own_command(file, changes, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT / "examples")
    text = (ROOT / "examples" / file).read_text(encoding="utf-8")
    command = re.search(r"^    hicra (train (?:.*\\\n)*.*)$", text, re.MULTILINE)
    words = shlex.split(command[1].replace("\\\n", " "))
    words[words.index("-o") + 1] = str(tmp_path / "run")
    with pytest.raises(SystemExit) as end:
        cli.main([*words, *SMALL, "--json", "-q"])
    assert not end.value.code
    assert json.loads(capsys.readouterr().out)["steps"] == 3
    beside = json.loads((tmp_path / "run" / "final" / "hicra_credit.json").read_text())
    assert beside["method"] == changes
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert any(row["hicra/changed_share"] > 0 for row in rows)
