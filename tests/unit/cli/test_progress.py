"""Lines of progress: no figure before one exists, and the time left once a step was timed."""

import io

import pytest
from rich.console import Console

from hicra.cli import progress
from hicra.cli.train import called
from hicra.runs.sections import RunConfig


@pytest.fixture
def clock(monkeypatch):
    """Minutes that the test sets."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_steps(clock, capsys):
    with progress.Steps(5, "hicra on plan_execute", quiet=False) as bar:
        bar.step(1, {"hicra/reward": None, "hicra/length": -0.0})
        clock[0] += 3  # too soon for a line of its own
        bar.step(2, {"hicra/reward": 0.5})
        clock[0] += 57
        bar.step(3, {"hicra/reward": 0.25})
        clock[0] += 30
        bar.step(5, {"hicra/reward": 0.75})
    assert capsys.readouterr().err.splitlines() == [
        "hicra on plan_execute: step 1 of 5  length 0",
        "hicra on plan_execute: step 3 of 5  reward 0.25  about 60 s left",  # two steps took a minute
        "hicra on plan_execute: step 5 of 5  reward 0.75",
    ]


def test_the_signal_of_measured_steps_stays_in_the_line(clock, capsys):
    with progress.Steps(3, "x", quiet=False) as bar:
        bar.step(1, {"hicra/reward": 0.5, "hicra/signal_planning": 3.0, "hicra/signal_execution": 1.0})
        clock[0] += 20
        bar.step(2, {"hicra/reward": 0.5, "hicra/planning_share": 0.25})
        clock[0] += 20
        bar.step(3, {"hicra/signal_planning": -9.0, "hicra/signal_execution": 1.0})  # -6 of -4 is no share
    assert capsys.readouterr().err.splitlines() == [
        "x: step 1 of 3  reward 0.5  signal 75% planning (last 1 measured)",
        "x: step 2 of 3  reward 0.5  planning_share 0.25  signal 75% planning (last 1 measured)  about 20 s left",
        "x: step 3 of 3  signal not clear yet (last 2 measured)",
    ]


def test_names_and_notes_are_no_markup():
    shown = io.StringIO()
    bar = progress.Steps(2, "my [bold]run", quiet=False)
    bar.console = Console(file=shown, force_terminal=True, width=120)
    with bar:
        bar.say("a [red]note")
        bar.step(1, {"hicra/reward": 0.5})
    assert "my [bold]run" in shown.getvalue()
    assert "a [red]note" in shown.getvalue()


def test_quiet(capsys):
    with progress.Steps(2, "x", quiet=True) as bar:
        bar.step(1, {"hicra/reward": 0.5})
        bar.say("a line")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({}, "hicra on plan_execute"),
        ({"baseline": {"name": "rloo"}, "loss": {"name": "cispo"}}, "hicra on plan_execute (rloo, cispo)"),
        ({"method": {"name": "hicra", "then": [{"name": "sepa"}]}}, "hicra then sepa on plan_execute"),
        ({"preset": "rloo", "loss": {"name": "cispo"}}, "hicra on plan_execute (preset rloo, cispo)"),
    ],
)
def test_the_name_of_a_training_has_the_parts_that_are_no_defaults(config, name):
    assert called(RunConfig.model_validate(config)) == name
