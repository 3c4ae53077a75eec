"""Watching a run: it waits, reads on, says what becomes of the run, and shows nothing that a terminal would act on."""

import doctest
import importlib
import io
import json
import os
import socket

import polars as pl
import pytest
from rich.console import Console

from hicra import cli
from hicra.artifacts import write_text
from hicra.errors import ArtifactError, DataError
from hicra.findings import Finding
from hicra.metrics.signal_window import SignalWindow
from hicra.runs import RunFolder
from hicra.runs.lock import one_writer
from hicra.watch.figures import of_signal
from hicra.watch.lines import Lines
from hicra.watch.view import view
from hicra.watch.watch import opened, refuse_stopped, watch
from hicra.watch.watched import Watched

CONFIG = {"train": {"steps": 3}}
ROLLOUT = {
    "step": 1, "id": "q#0", "response": "so let us try it", "reward": 1.0, "correct": True, "advantage": 0.5,
    "spans": [{"start": 3, "end": 13, "gram": "let us try"}],
}  # fmt: skip


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "run", method="hicra", seed=1, config=CONFIG)


@pytest.fixture
def written(run):
    """A run that this process writes."""
    with one_writer(run.path):
        yield run


def drawn(watched, **options):
    console = Console(file=io.StringIO(), width=80, **options)
    console.print(view(watched, 80, marks=not options))
    return console.file.getvalue()


def test_it_watches_until_the_run_ends(run):
    held = one_writer(run.path)
    held.__enter__()
    steps = iter((1, 2, 3))

    def pause(seconds):
        """Another process trains a step, and lets go of the folder after the last one."""
        if (step := next(steps, None)) is not None:
            run.log(step, {"hicra/reward": step / 10})
        else:
            held.__exit__(None, None, None)

    lines, shown = [], []

    def show(watched, news):
        lines[:] = lines or [Lines(watched)]
        shown.extend(line.split("  about ")[0] for line in lines[0].of(news))

    watched = watch(run, once=False, every=1.0, show=show, pause=pause)
    assert watched.state == "ended"
    assert [line for line in shown if line.startswith("step")] == [
        "step 1 of 3  reward 0.1", "step 2 of 3  reward 0.2", "step 3 of 3  reward 0.3",
    ]  # fmt: skip
    refuse_stopped(watched)


def test_a_run_that_nobody_writes_is_said_and_not_watched_for_ever(run, capsys):
    run.log(1, {"hicra/reward": 1.0})
    with pytest.raises(SystemExit) as stop:
        cli.main(["watch", str(run.path), "--every", "0.1"])
    out = capsys.readouterr()
    assert stop.value.code == 1
    assert out.out.splitlines()[0] == "step 1 of 3  reward 1"
    assert f"error: {run.path} is at step 1 of 3, and no process writes it: it was stopped, or it is a copy" in out.err
    assert f"`hicra train -o {run.path} --resume`" in out.err
    assert f"`hicra watch {run.path} --wait`" in out.err


def test_a_copy_that_grows_is_watched_while_there_is_news_and_with_wait_also_without(run):
    def grows(seconds):
        if (step := next(steps, None)) is not None:
            run.log(step, {})

    steps = iter((1, 2, None, 3))
    watched = watch(run, once=False, every=1.0, show=lambda *_: None, pause=grows)
    assert (watched.state, watched.step) == ("unknown", 2)  # the third pause brought nothing
    assert list(steps) == [3]
    steps = iter((None, None, 3))
    watched = watch(run, once=False, every=1.0, wait=True, show=lambda *_: None, pause=grows)
    assert (watched.state, watched.step) == ("ended", 3)


def test_what_becomes_of_a_run(run):
    watched = Watched(run)
    run.log(1, {})
    watched.look()
    assert watched.state == "unknown"  # no lock was ever seen: it may be a copy that grows
    with one_writer(run.path):
        watched.look()
        assert watched.state == "running"
        assert watched.writer.name == f"process {os.getpid()} on {socket.gethostname()}"
    watched.look()
    assert watched.state == "stopped"
    with pytest.raises(ArtifactError, match=r"stopped at step 1 of 3") as error:
        refuse_stopped(watched)
    assert "--resume" in error.value.fix
    run.log(2, {})
    run.log(3, {})
    watched.look()
    assert watched.state == "ended"


def test_a_writer_that_was_killed_before_the_first_look_has_stopped(run):
    write_text(run.path.parent / ".run.lock", json.dumps({"process": 2**22 + 7, "host": socket.gethostname()}))
    watched = Watched(run)
    watched.look()
    assert watched.state == "stopped"


def test_a_diagnosed_run_is_whole(tmp_path):
    run = RunFolder.create(tmp_path / "run", method="diagnosed", seed=0, config={"lexicon": "paper"})
    run.log(100, {"hicra/length": 7.0})
    watched = watch(run, once=False, every=1.0, show=lambda *_: None)
    assert (watched.state, watched.step, watched.total) == ("ended", 100, None)


def test_a_run_that_is_not_there_yet_is_waited_for(tmp_path):
    said = []
    path = tmp_path / "run"
    (tmp_path / "runs").mkdir()
    pauses = iter((path.mkdir, lambda: RunFolder.create(path, method="none", seed=0, config={})))
    run = opened(path, wait=True, every=1.0, say=said.append, pause=lambda seconds: next(pauses)())
    assert run.method == "none"
    assert said == [
        f"waiting for {path}: there is no such folder yet ({tmp_path / 'runs'} is there); Ctrl-C ends the waiting"
    ]


def test_what_is_no_run_is_not_waited_for(tmp_path, run):
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(DataError, match="is a file"):
        opened(file, wait=True, every=1.0, say=print)
    with pytest.raises(DataError, match="it holds 1 of them") as error:
        opened(tmp_path, wait=True, every=1.0, say=print)
    assert str(run.path) in error.value.fix
    with pytest.raises(ArtifactError, match="there is no run folder"):
        opened(tmp_path / "absent", wait=False, every=1.0, say=print)


def test_a_resume_shows_its_steps_anew(written):
    watched = Watched(written)
    lines = Lines(watched)
    for step in (1, 2):
        written.log(step, {"hicra/reward": 0.5})
    assert len(list(lines.of(watched.look()))) == 2
    write_text(written.path / "metrics.jsonl", '{"step": 1, "hicra/reward": 0.25}\n')
    said = list(lines.of(watched.look()))
    assert said[0].startswith("the metrics were written anew")
    assert said[1] == "step 1 of 3  reward 0.25"
    assert watched.step == 1


def test_signal_is_the_share_of_sums(written):
    """Over two measured steps it is (3 + 9) / (3 + 1 + 9 + 1) = 12 / 14, 86 %; the mean of their shares would be 82 %."""
    watched = Watched(written)
    lines = Lines(watched)
    written.log(1, {"hicra/planning_share": 0.25})
    written.log(2, {"hicra/signal_planning": 3.0, "hicra/signal_execution": 1.0})
    written.log(3, {"hicra/signal_planning": 9.0, "hicra/signal_execution": 1.0})
    assert list(lines.of(watched.look())) == [
        "step 1 of 3  planning_share 0.25",
        "step 2 of 3  signal 75% planning (last 1 measured)",
        "step 3 of 3  signal 86% planning (last 2 measured)",
    ]


@pytest.mark.parametrize("values", [(-3.0, 1.0), (3.0, -1.0), (-1.0, 3.0)])  # no sum above 0; 150 %; -50 %
def test_a_share_that_is_noise_is_told_as_such(values):
    signal = SignalWindow()
    signal.add(dict(zip(("hicra/signal_planning", "hicra/signal_execution"), values, strict=True)))
    assert of_signal(signal) == "signal not clear yet (last 1 measured)"


def test_alarms_come_once_and_go(written):
    watched = Watched(written)
    lines = Lines(watched)
    watched.seen = [Finding("truncation", "Cut.", alarm=True), Finding("phases", "One.", alarm=None)]
    news = watched.follower.look()
    assert list(lines.of(news)) == ["! truncation: Cut."]
    assert list(lines.of(news)) == []
    watched.seen = []
    assert list(lines.of(news)) == ["  truncation: no longer seen"]


def test_the_view(written):
    written.write_rollouts(1, pl.DataFrame([ROLLOUT]))
    for step in (1, 2, 3):
        written.log(step, {"hicra/reward": step - 1.0, "hicra/length": None})
    watched = Watched(written)
    watched.look()
    shown = drawn(watched)
    assert "hicra, seed 1: step 3 of 3, written by process" in " ".join(shown.split())
    assert "▁▄█" not in shown  # 0, 1, 2 in eighths: the middle is 1 / 2 * 8 = 4, the fifth block
    assert "▁▅█" in shown
    assert "0 → 2" in shown
    assert "length" not in shown.split("latest")[0]
    assert "latest rollout, step 1: q#0, right, reward 1, advantage 0.5" in shown
    assert "so ⟦let us try⟧ it" in shown
    coloured = drawn(watched, force_terminal=True, color_system="standard", legacy_windows=False)
    assert "\x1b[30;43mlet us try\x1b[0m" in coloured


def test_a_low_terminal_shows_what_it_has_room_for(written):
    written.write_rollouts(1, pl.DataFrame([ROLLOUT | {"response": "line\n" * 100, "spans": []}]))
    written.log(1, {"hicra/reward": 1.0})
    watched = Watched(written)
    watched.look()
    watched.seen = [Finding("phases", "A long sentence. " * 40)]
    console = Console(file=io.StringIO(), width=80)
    console.print(view(watched, 80, height=20))
    shown = console.file.getvalue()
    assert shown.count("\n") <= 20
    assert "…" in shown


def test_hostile_texts_hold_nothing_that_a_terminal_acts_on(tmp_path, capsys):
    bad = "\x1b]0;title\x07\x1b[2J\r\x08\u202e[bold]x[/bold]\x9b31m"
    run = RunFolder.create(tmp_path / "run", method=bad, seed=1, config={"lexicon": bad})
    run.log(1, {"hicra/reward": 1.0, bad: 2.0})
    run.write_rollouts(1, pl.DataFrame([ROLLOUT | {"response": bad, "id": bad, "prompt": bad}]))
    watched = Watched(run)
    news = watched.look()
    watched.seen = [Finding("phases", bad, alarm=True)]
    for shown in (drawn(watched), "\n".join(Lines(watched).of(news))):
        assert not set(shown) & set("\x1b\x07\r\x08\u202e\x9b")
        assert "[bold]x[/bold]" in shown
    with pytest.raises(SystemExit) as stop:
        cli.main(["watch", str(run.path), "--once"])
    out = capsys.readouterr().out
    assert stop.value.code == 0
    assert "�" in out
    assert not set(out) & set("\x1b\x07\r\x08\u202e\x9b")


def test_a_pipe_gets_plain_lines_and_a_stopped_run_exit_code_1(run, capsys):
    run.log(1, {"hicra/reward": 1.0})
    write_text(run.path.parent / ".run.lock", json.dumps({"process": 2**22 + 7, "host": socket.gethostname()}))
    with pytest.raises(SystemExit) as stop:
        cli.main(["watch", str(run.path)])
    out = capsys.readouterr()
    assert stop.value.code == 1
    assert out.out.splitlines()[0] == "step 1 of 3  reward 1"
    assert "stopped at step 1 of 3" in out.err


def test_a_terminal_gets_a_view_that_is_drawn_over(tmp_path, capsys, monkeypatch):
    run = RunFolder.create(tmp_path / "run", method="diagnosed", seed=1, config={})
    run.log(1, {"hicra/reward": 1.0})
    run.write_rollouts(1, pl.DataFrame([ROLLOUT]))
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for variable, lit in (("COLUMNS", "\x1b[30;43mlet us try\x1b[0m"), ("NO_COLOR", "⟦let us try⟧")):
        monkeypatch.setenv(variable, "100")
        with pytest.raises(SystemExit) as stop:
            cli.main(["watch", str(run.path)])
        assert stop.value.code == 0
        assert lit in capsys.readouterr().out


def test_json(run, capsys):
    run.log(1, {"hicra/reward": 1.0})
    run.write_rollouts(1, pl.DataFrame([ROLLOUT]))
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write('{"step": 2')
    with pytest.raises(SystemExit) as stop:
        cli.main(["watch", str(run.path), "--once", "--json"])
    out = capsys.readouterr()
    made = json.loads(out.out)
    assert stop.value.code == 0
    assert (made["state"], made["step"], made["steps"], made["last"]["hicra/reward"]) == ("unknown", 1, 3, 1.0)
    assert made["rollout"]["response"] == ROLLOUT["response"]
    assert made["tracker"] is None
    assert "ends within a line" in made["warnings"][0]


@pytest.mark.parametrize("words", [["--online"], ["-o", "x"], ["--every", "0"], ["--every", "nan"], ["--wait"]])
def test_wrong_usage(words, run, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["watch", str(run.path), "--once", *words])
    assert stop.value.code == 2


def test_a_line_without_a_step_is_named(run):
    run.log(1, {})
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write('{"hicra/reward": 1}\n')
    with pytest.raises(DataError, match=r"the line after step 1 has no whole number"):
        Watched(run).look()


def test_rollouts_that_take_much_memory_are_thinned(written, monkeypatch):
    for step in range(1, 7):
        written.write_rollouts(step, pl.DataFrame([ROLLOUT | {"step": step}]))
    one = pl.DataFrame([ROLLOUT]).estimated_size()
    monkeypatch.setattr("hicra.watch.watched.MOST_BYTES", 4 * one)
    watched = Watched(written)
    watched.look()
    assert watched.thinned
    assert "WATCH-2" in watched.notes()[0]
    assert watched.rollout()["step"] == 6


@pytest.mark.parametrize(
    "module", ["hicra.watch.figures", "hicra.watch.spark", "hicra.drawing.lit", "hicra.metrics.signal_window"]
)
def test_examples_of_docstrings(module):
    failed, tried = doctest.testmod(importlib.import_module(module))
    assert tried
    assert not failed


def test_a_diagnosed_run_has_no_seed_and_a_flat_line_of_zeros_lies_at_the_bottom(tmp_path):
    run = RunFolder.create(tmp_path / "run", method="observed", seed=0, config={"counts": "words"})
    for step in (1, 2):
        run.log(step, {"hicra/mixed_groups": 0.0})
    watched = Watched(run)
    watched.look()
    shown = drawn(watched)
    assert "diagnosed: step 2, ended" in " ".join(shown.split())
    assert ", seed" not in shown
    assert "▁▁" in shown
