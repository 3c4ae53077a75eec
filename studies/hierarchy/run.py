"""Makes the runs of the study: `python run.py [--jobs 2] [--parts primary,masks] [--hours H]`, again after any kill.

Each run has a folder of its own under work/runs; a run that was killed starts again. It is written beside that folder and moved
there when it has every step. A lock file says that a run is being made: a second process passes it by. Runs end when this
process ends, however it ends; if one fails, no further one begins, and those that are being made go on to their end. With
`--hours`, no run begins after so many hours of work; what is missing then is said. `collect.py` gathers what has ended into
results/training.jsonl.gz.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import lexicons
import numpy as np
import torch
import warm
from adaptive import Adaptive
from collect import WORK, earlier, is_stored, lines_of
from loop import Now, Shape, method, train
from network import Network
from plan import EVERY, FOUR, Planned, runs

from hicra.tagging import Tagger
from hicra.tasks.plan_execute.task import PlanExecute

ELSEWHERE = 75  # exit code of a run that another process makes
KEPT_EVERY = {"strong": 40, "weak": 50}  # steps between two saved policies, in the runs of the first seed


def planning_x3(advantages: np.ndarray, batch: Mapping[str, Any], now: Now) -> np.ndarray:
    """Three times the advantage on planning tokens."""
    return np.where(batch["planning_mask"], 3 * advantages[:, None], advantages[:, None])


OWN = {"planning_x3": lambda: planning_x3, "hicra_adaptive": Adaptive}


def shape_of(run: Planned) -> Shape:
    """Returns the credit method of a run."""
    if run.arm in OWN:
        return OWN[run.arm](**run.settings)
    return method(run.arm, **run.settings)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Holds the lock of a run's folder while the block runs; gives whether nobody else holds it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f"{folder.name}.lock"), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def make(run: Planned) -> bool:
    """Makes one run in its folder; returns whether it did, and not another process."""
    with locked(WORK / run.name) as ours:
        if ours and not (WORK / run.name).exists():
            write(run)
        return ours


def write(run: Planned) -> None:
    """Writes steps.jsonl and, where the run is the first seed of its warm start, policies on the way."""
    warm.make(run.start, run.warm)
    start = warm.folder(run.start, run.warm)
    network, task = Network.load(start), PlanExecute()
    tagger = Tagger(lexicons.load(run.lexicon, run.seed, start), start)
    made = WORK / run.name
    part = made.with_name(f"{made.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    keeps = run.part == "primary" and run.arm == "none" and run.warm <= FOUR and run.seed % 50 == 0

    def keep(step: int, policy: Network) -> None:
        if keeps and step % KEPT_EVERY[run.start] == 0:
            policy.save(part / f"step-{step:03d}.safetensors")

    with open(part / "steps.jsonl", "w", encoding="utf-8") as file:
        train(
            network, task, tagger, shape_of(run), steps=run.steps, rate=run.rate, seed=run.seed, bonus=run.bonus,
            log=lambda line: print(json.dumps(line), file=file, flush=True), every=EVERY[run.start], after_step=keep,
        )  # fmt: skip
    lines_of(part / "steps.jsonl", run.steps)
    part.rename(made)


def sweep() -> None:
    """Removes what killed processes have left half-written; what a process is writing is locked, and stays."""
    for part in sorted(WORK.rglob("*.part")):
        with locked(part.with_name(part.name.split(".")[0])) as ours:
            if ours:
                shutil.rmtree(part)


def end_with(parent: int) -> None:
    """Lets this process, and what it has started, end as soon as the other end of a pipe is closed."""

    def wait() -> None:
        os.read(parent, 1)  # nothing is ever written: it returns when the last process that could write has ended
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def todo(parts: set[str]) -> list[Planned]:
    """Returns the runs that are neither stored nor made, in their order."""
    there = earlier()
    return [
        run for run in runs()
        if (not parts or run.part in parts) and not (WORK / run.name).exists() and not is_stored(run, there)
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, each in a process of one thread")
    parser.add_argument("--parts", default="", help="parts of the plan, separated by commas; all by default")
    parser.add_argument("--hours", type=float, default=1000.0, help="no run begins after so many hours")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        end_with(options.parent)
        torch.set_num_threads(1)
        sys.exit(0 if make(next(run for run in runs() if run.name == options.one)) else ELSEWHERE)
    sweep()
    waiting = todo(set(filter(None, options.parts.split(","))))
    print(f"{len(waiting)} runs to make", flush=True)
    make_all(waiting, options.jobs, time.monotonic() + 3600 * options.hours)


def make_all(waiting: list[Planned], jobs: int, end: float) -> None:
    """Makes runs in processes of their own.

    Args:
        waiting: the runs, in their order; what is begun is taken from the list.
        jobs: how many are made at a time.
        end: of the monotonic clock; no run begins later.
    """
    working: dict[str, subprocess.Popen[bytes]] = {}
    failed, elsewhere = list[str](), 0
    pipe, ours = os.pipe()  # closed by the system when this process ends, even by SIGKILL
    try:
        while working or (waiting and not failed and time.monotonic() < end):
            while waiting and not failed and len(working) < jobs and time.monotonic() < end:
                name = waiting.pop(0).name
                working[name] = subprocess.Popen(
                    [sys.executable, __file__, "--one", name, "--parent", str(pipe)], pass_fds=(pipe,),
                    start_new_session=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
                )  # fmt: skip
            time.sleep(0.5)
            for name in [name for name, job in working.items() if job.poll() is not None]:
                code = working.pop(name).returncode
                said = {0: "", ELSEWHERE: " is made by another process"}.get(code, f" FAILED with {code}")
                print(f"{time.strftime('%H:%M:%S')} {name}{said}", flush=True)
                elsewhere += code == ELSEWHERE
                failed += [f"{name} ended with {code}"] if code not in (0, ELSEWHERE) else []
    finally:
        for job in working.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(job.pid, signal.SIGKILL)
            job.wait()
        os.close(pipe)
        os.close(ours)
    if failed:
        raise SystemExit("; ".join(failed))
    done = "no run is left to begin" if elsewhere else "every run is made"
    print(f"{len(waiting)} runs are not begun" if waiting else done, flush=True)
    if elsewhere:
        print(f"{elsewhere} runs are left to another process that makes them", flush=True)


if __name__ == "__main__":
    main()
