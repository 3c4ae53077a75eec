"""Makes the runs of the study: `python run.py [--jobs 2] [--parts primary,masks] [--hours H]`, again after any kill.

Each run has a folder of its own under work/runs; a run that was killed starts again. With `--hours`, no run begins after so many
hours of work; what is missing then is said. `collect.py` gathers what has ended into results/training.jsonl.gz.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import lexicons
import numpy as np
import torch
import warm
from adaptive import Adaptive
from collect import WORK, earlier, is_stored
from loop import Now, Shape, method, train
from network import Network
from plan import EVERY, FOUR, Planned, runs

from hicra.tagging import Tagger
from hicra.tasks.plan_execute.task import PlanExecute

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


def make(run: Planned) -> None:
    """Makes one run in its folder: steps.jsonl and, where it is the first seed of its warm start, policies on the way."""
    warm.make(run.start, run.warm)
    start = warm.folder(run.start, run.warm)
    network, task = Network.load(start), PlanExecute()
    tagger = Tagger(lexicons.load(run.lexicon, run.seed, start), start)
    part = WORK / f"{run.name}.part"
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
    part.rename(WORK / run.name)


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
    options = parser.parse_args()
    if options.one:
        torch.set_num_threads(1)
        make(next(run for run in runs() if run.name == options.one))
        return
    waiting, working = todo(set(filter(None, options.parts.split(",")))), {}
    print(f"{len(waiting)} runs to make", flush=True)
    end = time.monotonic() + 3600 * options.hours
    while working or (waiting and time.monotonic() < end):
        while waiting and len(working) < options.jobs and time.monotonic() < end:
            run = waiting.pop(0)
            command = [sys.executable, __file__, "--one", run.name]
            working[run.name] = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
        time.sleep(0.5)
        for name in [name for name, job in working.items() if job.poll() is not None]:
            code = working.pop(name).returncode
            print(f"{time.strftime('%H:%M:%S')} {name}" + (f" FAILED with {code}" if code else ""), flush=True)
            if code:
                raise SystemExit(f"{name} ended with {code}")
    print(f"{len(waiting)} runs are not made" if waiting else "every run is made", flush=True)


if __name__ == "__main__":
    main()
