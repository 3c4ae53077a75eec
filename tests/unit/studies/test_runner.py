"""The loop that makes the runs of a study, each once."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from paths import ROOT

SCRIPT = """
import sys
from pathlib import Path
sys.path.append({folder!r})
import runner
runner.append(Path({file!r}), {{"run": sys.argv[2], "seconds": 40.0}})
"""


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(ROOT / "studies"))
    import runner

    yield runner
    sys.modules.pop("runner")


def test_a_run_is_made_once_in_its_order_until_the_time_is_spent(
    runner: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, script = tmp_path / "results.jsonl", tmp_path / "run.py"
    script.write_text(SCRIPT.format(folder=str(ROOT / "studies"), file=str(file)), encoding="utf-8")
    runner.append(file, {"run": "b", "seconds": 40.0})

    def make(seconds: float) -> str:
        def left(name: str) -> float:
            return seconds - sum(line["seconds"] for line in runner.read(file).values())

        names = ["a", "b", "c", "d"]
        runner.make_all(names, str(script), lambda: runner.read(file), left, at_once=1, lock=tmp_path / "new" / "lock")
        return capsys.readouterr().out.splitlines()[-1]

    assert make(100.0) == "1 runs are not made, from d on: the time is spent"
    assert list(runner.read(file)) == ["b", "a", "c"]
    assert make(1000.0) == "every run is made"
    assert list(runner.read(file)) == ["b", "a", "c", "d"]


def test_a_second_call_fails_while_one_goes_on(runner: ModuleType, tmp_path: Path) -> None:
    with open(tmp_path / "lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            runner.make_all(["a"], "none.py", dict, lambda name: 1.0, at_once=1, lock=tmp_path / "lock")


def test_lines_are_known_by_the_key_that_the_study_gives_them(runner: ModuleType, tmp_path: Path) -> None:
    runner.append(tmp_path / "lines", {"trial": "3/1", "seconds": 1.0})
    assert runner.read(tmp_path / "lines", "trial") == {"3/1": {"trial": "3/1", "seconds": 1.0}}
    assert runner.read(tmp_path / "none") == {}
