"""A run with more rollouts than findings are looked for in shows what its diagnosis wrote; without that the page says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hicra import Lexicon
from hicra.diagnose.diagnose import diagnose
from hicra.findings.saved_findings import FINDINGS_FILE, saved_findings
from hicra.view import page


def diagnosed(folder: Path) -> Path:
    rows = [{"step": step, "question": "q", "response": "let me check it", "reward": 0.0} for step in (1, 2)] * 4
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    diagnose(
        [folder / "rows.jsonl"], Lexicon.from_phrases(["let me check"]), tokenizer=None, out=folder / "run one", on_bad="stop",
        max_bad=0.0,
    )  # fmt: skip
    return folder / "run one"


def test_a_large_run_shows_what_its_diagnosis_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = diagnosed(tmp_path)
    [small] = page.make_view([run]).model.runs
    assert "no_gradient" in [one.name for one in small.findings if one.alarm]
    monkeypatch.setattr(page, "MOST_FOR_FINDINGS", 7)  # it has 8 rollouts
    found = page.make_view([run])
    [large] = found.model.runs
    assert [one.as_json() for one in large.findings] == [one.as_json() for one in small.findings]
    assert (large.unlooked, found.model.notes) == (small.unlooked, ())


def test_without_them_the_page_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = diagnosed(tmp_path)
    (run / FINDINGS_FILE).unlink()
    assert saved_findings(run) is None
    monkeypatch.setattr(page, "MOST_FOR_FINDINGS", 7)
    found = page.make_view([run])
    assert not found.model.runs[0].findings
    [said] = found.model.notes
    assert said.startswith("No finding was looked for in run one, which has more than 7 rollouts")
    assert f"`hicra report '{run}'`" in said
    assert "No finding was looked for in run one" in found.page
