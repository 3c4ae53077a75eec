"""What the verbs on rollouts say beside their result: the lexicon, the next command, how far they are."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from hicra import cli
from hicra.cli import progress
from hicra.diagnose.told import Told

ROWS = [{"id": n, "step": 1 + n // 300, "response": "Let me check it.", "correct": True} for n in range(600)]


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("-my rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    Path("grams.txt").write_text("let me check\nso then\n")
    return "./-my rows.jsonl"


def called(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main([*words])
    said = capsys.readouterr()
    assert not ended.value.code, said.err
    return said.out, said.err


def test_the_lexicon_is_named(rows: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = called(capsys, "tag", rows)
    assert "\nlexicon: paper, 249 grams; grams are marked\n" in out
    out, _ = called(capsys, "diagnose", rows)
    assert "\nlexicon: planning, 359 grams; whole sentences are marked\n" in out
    for verb in ("tag", "diagnose"):
        out, _ = called(capsys, verb, rows, "--lexicon", "grams.txt", "--unit", "sentence")
        assert "\nlexicon: grams, 2 grams; whole sentences are marked" in out
        out, _ = called(capsys, verb, rows, "--lexicon", "grams.txt", "--json")
        assert (json.loads(out)["lexicon"]["name"], json.loads(out)["lexicon"]["grams"]) == ("grams", 2)


def test_tagging_says_what_comes_next(rows: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = called(capsys, "tag", rows, "--lexicon", "grams.txt", "-o", "tagged.jsonl")
    [then] = [line.removeprefix("next: ") for line in err.splitlines() if line.startswith("next: ")]
    assert then == "hicra diagnose './-my rows.jsonl' --lexicon grams.txt -o run"
    called(capsys, *shlex.split(then)[1:])
    assert Path("run", "hicra.json").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_diagnosis_shows_how_far_it_is(
    rows: str, workers: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY_S", -1.0)  # each time is late enough for a line
    _, err = called(capsys, "diagnose", rows, "--workers", workers)
    lines = [line for line in err.splitlines() if line.startswith("diagnosing: ")]
    assert lines[0] == "diagnosing: row 0 of 600  measuring"
    assert "diagnosing: row 300 of 600  measuring" in lines
    assert lines[-1] == "diagnosing: row 600 of 600  looking for findings"
    for option in ("-q", "--json"):
        assert "diagnosing" not in called(capsys, "diagnose", rows, option)[1]


def test_rows_are_counted_for_whoever_asks_and_else_for_nobody() -> None:
    said: list[tuple[int, int, str]] = []
    told = Told(lambda *one: said.append(one), 9)
    told.add(4)
    told.add(5)
    told.findings()
    assert said == [(0, 9, "measuring"), (4, 9, "measuring"), (9, 9, "measuring"), (9, 9, "looking for findings")]
    Told(None, 9).add(4)


@pytest.mark.parametrize("verb", ["diagnose", "tag"])
def test_the_help_does_not_say_that_nothing_is_drawn(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`hicra diagnose` draws bootstraps and subsets of grams, each with a seed of its own that is fixed."""
    out, _ = called(capsys, verb, "--help")
    text = " ".join(out.replace("\u2502", " ").split())
    assert "changes nothing: what is drawn here has a fixed seed" in text
