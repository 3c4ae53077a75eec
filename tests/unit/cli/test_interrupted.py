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
