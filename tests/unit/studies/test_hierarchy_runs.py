"""How the runs of the hierarchy study are made and gathered, with a training that only writes its lines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import collect
import pytest
import run as study
from plan import Planned

from hicra.errors import DataError

STUDY = Path(study.__file__).parent
RUNS = [Planned("primary", "none", "strong", 1, seed, rate=6e-4) for seed in (1, 2, 3)]


def line(step: int, **more: Any) -> dict[str, Any]:
    evaluated = {"eval": {"accuracy": 0.5}, "cpu_s": 1.0} if step % 10 == 0 else {}
    return {"step": step, "reward": 0.5} | evaluated | more


def writes(*_: Any, steps: int, log: Any, **__: Any) -> None:
    for step in range(steps + 1):
        log(line(step))


def prepare(monkeypatch: Any, work: Path, train: Any) -> None:
    for module in (study, collect):
        monkeypatch.setattr(module, "WORK", work)
    for name in ("warm", "lexicons", "Network", "Tagger"):
        monkeypatch.setattr(study, name, Anything())
    monkeypatch.setattr(study, "train", train)


class Anything:
    """Takes every call and gives itself."""

    def __call__(self, *_: Any) -> Anything:
        return self

    def __getattr__(self, _: str) -> Anything:
        return self


def text_of(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(one) + "\n" for one in lines)


def left_in(work: Path) -> set[str]:
    return {
        path.name for path in work.rglob("*") if path.name.split(".")[0].isdecimal() and not path.name.endswith(".lock")
    }


def test_a_run_is_published_with_every_step(tmp_path: Path, monkeypatch: Any) -> None:
    prepare(monkeypatch, tmp_path, writes)
    assert study.make(RUNS[0])
    assert left_in(tmp_path) == {"1"}
    kept = collect.stored(RUNS[0])
    assert kept is not None
    assert (kept["steps"], kept["evals"]["step"]) == (80, list(range(0, 81, 10)))
    assert collect.stored(RUNS[1]) is None


def test_a_training_that_stops_early_publishes_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    prepare(monkeypatch, tmp_path, lambda *_, steps, log, **__: writes(steps=steps - 1, log=log))
    with pytest.raises(DataError, match="ends before step 80"):
        study.make(RUNS[0])
    assert left_in(tmp_path) == {f"1.{os.getpid()}.part"}
    study.sweep()
    assert left_in(tmp_path) == set()


def test_a_run_that_is_being_made_is_passed_by_and_not_swept(tmp_path: Path, monkeypatch: Any) -> None:
    seen = []

    def meanwhile(*_: Any, steps: int, log: Any, **__: Any) -> None:
        seen.append(study.make(RUNS[0]))
        study.sweep()
        seen.append(left_in(tmp_path))
        writes(steps=steps, log=log)

    prepare(monkeypatch, tmp_path, meanwhile)
    old = tmp_path / Path(RUNS[1].name).parent / "2.part"  # as it was named before
    (old / "inside").mkdir(parents=True)
    assert study.make(RUNS[0])
    assert seen == [False, {f"1.{os.getpid()}.part"}]
    assert left_in(tmp_path) == {"1"}
    before = (tmp_path / RUNS[0].name / "steps.jsonl").stat().st_mtime_ns
    assert study.make(RUNS[0])  # it is there already
    assert (tmp_path / RUNS[0].name / "steps.jsonl").stat().st_mtime_ns == before
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (text_of([line(step) for step in range(60)]), "ends before step 60, and the run has 80 steps"),
        (text_of([line(step) for step in range(81)])[:-5], "line 81 is torn"),
        (text_of([line(step) for step in range(81) if step != 7]), "line 8 is not that of step 7"),
        (text_of([line(step) for step in range(82)]), "ends before step 82"),
        (text_of([line(step) for step in range(80)] + [{"step": 80}]), "last step is not evaluated"),
        ("", "ends before step 0"),
    ],
)
def test_what_is_no_whole_run_is_refused(tmp_path: Path, monkeypatch: Any, text: str, said: str) -> None:
    prepare(monkeypatch, tmp_path, writes)
    file = tmp_path / RUNS[0].name / "steps.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(DataError, match=said) as error:
        collect.stored(RUNS[0])
    assert str(file) in error.value.message


def test_a_figure_that_is_not_finite_is_null(tmp_path: Path, monkeypatch: Any) -> None:
    prepare(monkeypatch, tmp_path, writes)
    lines = [line(0), line(1, norm=float("nan")), line(2, norm=float("inf")), *(line(step) for step in range(3, 81))]
    file = tmp_path / RUNS[0].name / "steps.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text(text_of(lines))
    kept = collect.stored(RUNS[0])
    assert kept is not None
    assert kept["curves"]["norm"] == [None] * 80
    json.dumps(kept, allow_nan=False)


# What is heavy to import stands aside in these processes, since `prepare` puts something else in its place anyway.
SCRIPT = """
import os, pathlib, signal, sys, time, types

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored

class Aside(types.ModuleType):
    __getattr__ = lambda self, name: self
    __call__ = lambda self, *_, **__: self

for name in ("torch", "warm", "adaptive", "loop", "network", "lexicons", "hicra.tagging"):
    sys.modules[name] = Aside(name)
sys.path.insert(0, {tests!r})
import run, test_hierarchy_runs as tests

WORK = pathlib.Path({work!r})

class Sets:
    setattr = staticmethod(setattr)

def train(*_, steps, log, seed, **__):
    (WORK / f"pid-{{seed}}").write_text(str(os.getpid()))
    if seed == 1 and {fails}:
        while not (WORK / "pid-2").exists():
            time.sleep(0.02)
        raise ValueError("broken")
    while not (WORK / "go").exists() and (seed != 2 or {slow}):
        time.sleep(0.02)
    time.sleep(1.5 if {fails} else 0)
    tests.writes(steps=steps, log=log)

tests.prepare(Sets, WORK, train)
run.runs = lambda: iter(tests.RUNS)
run.__file__ = __file__  # what children begin with
run.earlier = dict
run.main()
"""


def begin(tmp_path: Path, fails: bool = False, slow: bool = True) -> subprocess.Popen[str]:
    script = tmp_path / "script.py"
    here = str(Path(__file__).parent)
    script.write_text(SCRIPT.format(tests=here, work=str(tmp_path), fails=fails, slow=slow))
    paths = [str(STUDY), *filter(None, sys.path)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.Popen(
        [sys.executable, str(script)], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(*files: Path) -> list[int]:
    deadline = time.monotonic() + 300
    while not all(file.exists() and file.read_text() for file in files):
        assert time.monotonic() < deadline, f"{files} did not come"
        time.sleep(0.05)
    return [int(file.read_text()) for file in files]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_runs_end_when_their_parent_ends(tmp_path: Path, number: int) -> None:
    with begin(tmp_path) as parent:
        children = wait_for(tmp_path / "pid-1", tmp_path / "pid-2")
        assert all(map(alive, children))
        parent.send_signal(number)
        parent.wait(60)
    deadline = time.monotonic() + 60
    while any(map(alive, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, children))
    assert left_in(tmp_path) == {f"{seed}.{child}.part" for seed, child in zip((1, 2), children, strict=True)}


@pytest.mark.slow
def test_after_a_failure_no_run_begins_and_the_others_end(tmp_path: Path) -> None:
    with begin(tmp_path, fails=True, slow=False) as parent:
        out, err = parent.communicate(timeout=300)
    assert parent.returncode == 1
    assert err.splitlines()[-1] == f"{RUNS[0].name} ended with 1"
    assert f"{RUNS[1].name}\n" in out
    assert "2" in left_in(tmp_path)
    assert not (tmp_path / "pid-3").exists()


@pytest.mark.slow
def test_two_at_once_make_each_run_once(tmp_path: Path) -> None:
    with begin(tmp_path) as first:
        children = wait_for(tmp_path / "pid-1", tmp_path / "pid-2")
        with begin(tmp_path) as second:
            wait_for(tmp_path / "pid-3")
            assert wait_for(tmp_path / "pid-1", tmp_path / "pid-2") == children
            (tmp_path / "go").touch()
            outs = [one.communicate(timeout=300)[0] for one in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outs
    assert "2 runs are left to another process" in outs[1]
    assert left_in(tmp_path) == {"1", "2", "3"}
