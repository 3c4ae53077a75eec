"""`hicra report` and `hicra view` as they are called: what is no run folder, and which command comes next."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from hicra import cli
from hicra.runs import RunFolder


@pytest.mark.parametrize("words", [["report"], ["report", "-o", "page.html"], ["view"]])
def test_a_file_of_rollouts_is_no_run_folder(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my rollouts.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        cli.main([words[0], "my rollouts.jsonl", *words[1:]])
    said = capsys.readouterr().err
    assert stop.value.code == 1
    assert "my rollouts.jsonl is a file and no run folder" in said
    assert "`hicra diagnose 'my rollouts.jsonl' -o RUN`" in said
    assert not Path("page.html").exists()


def test_the_next_command_can_be_copied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "o \u00fc #1%; rm x"
    run = RunFolder.create(tmp_path / name, method="none", seed=0, config={})
    run.log(1, {"hicra/accuracy": 0.5})
    with pytest.raises(SystemExit) as stop:
        cli.main(["report", str(run.path)])
    assert stop.value.code == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("next: ")]
    assert shlex.split(line) == ["next:", "open", str(run.path / "report.html")]
