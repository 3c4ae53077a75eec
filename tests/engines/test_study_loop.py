"""The loop of studies/hierarchy draws and learns what the engine does under the same seed."""

import json
import os
import sys
from types import SimpleNamespace

import pytest

pytest.importorskip("trl")

import equal

from hicra.cli import main


@pytest.mark.slow
@pytest.mark.engine
def test_three_steps_of_the_loop_are_those_of_the_engine(monkeypatch, capsys) -> None:
    """The script starts the engine in a process of its own; here this one has imported what it needs."""

    def run(line, *, cwd, check, stdout, env):
        assert (line[:3], check) == ([sys.executable, "-m", "hicra.cli"], True)
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            with pytest.raises(SystemExit) as ended:
                main(line[3:])
        assert ended.value.code == 0
        capsys.readouterr()  # what goes nowhere in a process of its own

    monkeypatch.setattr(equal, "subprocess", SimpleNamespace(run=run, DEVNULL=os.devnull))
    monkeypatch.setattr(sys, "argv", ["equal.py", "--steps", "3", "--method", "hicra"])
    with pytest.raises(SystemExit) as ended:
        equal.main()
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["equal_responses"] == found["responses"] == 3 * 256
    assert 0 < found["largest_difference_of_weights"] < 1e-5
