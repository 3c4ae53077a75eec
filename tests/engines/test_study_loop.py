"""The loop of studies/hierarchy draws and learns what the engine does under the same seed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

STUDY = Path(__file__).resolve().parents[2] / "studies" / "hierarchy"


@pytest.mark.slow
@pytest.mark.engine
def test_three_steps_of_the_loop_are_those_of_the_engine() -> None:
    command = [sys.executable, str(STUDY / "equal.py"), "--steps", "3", "--method", "hicra"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["equal_responses"] == found["responses"] == 3 * 256
    assert 0 < found["largest_difference_of_weights"] < 1e-5
