"""Ctrl-C in any verb: a line on stderr, with --json one object on stdout, and exit code 130."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

WAITS = """
import pathlib, signal, time

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
pathlib.Path("waiting").touch()
time.sleep(300)
"""


@pytest.mark.parametrize("json_too", [True, False])
@pytest.mark.parametrize(
    "verb",
    [
        ["methods", "waits:shape"],
        pytest.param(
            ["signal", "--model", "plan-execute-weak", "--task", "plan_execute", "--methods", "none,waits:shape"],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_an_interrupted_verb_says_so(tmp_path: Path, verb: list[str], json_too: bool) -> None:
    (tmp_path / "waits.py").write_text(
        WAITS
    )  # a method of one's own, whose module the verb imports in the middle of its work
    paths = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    job = subprocess.Popen(
        [sys.executable, "-m", "hicra.cli", *verb, *(["--json"] if json_too else [])],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": paths}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not (tmp_path / "waiting").exists() and job.poll() is None:
        time.sleep(0.02)
    job.send_signal(signal.SIGINT)
    out, err = job.communicate(timeout=60)
    assert job.returncode == 130, err
    assert err.splitlines() == ["error: interrupted"]
    assert (json.loads(out) == {"error": "interrupted", "fix": ""}) if json_too else out == ""


CLEANS_UP = """
import os, signal, sys
from pathlib import Path

signal.signal(signal.SIGINT, signal.default_int_handler)
from hicra import cli
from hicra.artifacts import atomic_dir

times = int(sys.argv[1])


def work(words):
    with atomic_dir(Path("out")) as folder:
        (folder / "half").touch()
        try:
            signal.raise_signal(signal.SIGINT)
        finally:  # as where the cleaning up is under way when the next one comes
            for _ in range(times - 1):
                signal.raise_signal(signal.SIGINT)


cli.app = lambda: lambda words, **settings: work(words)
cli.main(["methods"])
"""


@pytest.mark.parametrize(("times", "more"), [(1, []), (2, ["cleaning up; press Ctrl-C once more to end at once"])])
def test_a_second_interrupt_does_not_disturb_the_cleaning_up(tmp_path: Path, times: int, more: list[str]) -> None:
    job = subprocess.run([sys.executable, "-c", CLEANS_UP, str(times)], cwd=tmp_path, capture_output=True, text=True)
    assert job.returncode == 130
    assert job.stderr.splitlines() == [*more, "error: interrupted"]
    assert list(tmp_path.iterdir()) == []


def test_the_handler_is_put_back_where_nothing_came_and_an_own_one_stays() -> None:
    from hicra.workers.signals import cleans_up_on_sigint

    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with cleans_up_on_sigint():
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with cleans_up_on_sigint():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
