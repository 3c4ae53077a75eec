"""Makes the runs of the study: `python run.py [--hours 4] [--environments minigrid]`, again after any kill.

Each run has a folder of its own under work/runs; one that was killed starts again. It is written beside that folder and moved
there when its budget of interactions is spent. Runs are made one after another, in the order of `design.py`, each in a process
of one thread. With `--hours`, no run begins after so many hours of processor time, those of earlier calls included; what is
missing then is said.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import starts
from design import ARMS, BUDGET, ENVIRONMENTS, EVERY, HELD_OUT, MOST, RATE, SEEDS_A_STEP, Planned, runs

from hicra.engines.prepare import open_run, prepare
from hicra.runs.config import load_config

WORK = Path(__file__).resolve().parent / "work" / "runs"
SPENT = WORK.parent / "hours.jsonl"  # processor seconds of each process that made a run, and of its warm start
MOST_STEPS = 2_000  # more than the budget allows; the loop ends before


def sets_of(run: Planned) -> dict[str, Any]:
    """Returns the keys of a run's config."""
    system, settings = ARMS[run.arm]
    return {
        "engine": "related", "task": {"name": run.environment, "settings": ENVIRONMENTS[run.environment]},
        "system": {"name": system, "settings": settings}, "model": {"name": str(starts.folder(run.environment, run.pair))},
        "method": {"name": "none"}, "loss": {"name": "clip"},
        "train": {
            "steps": MOST_STEPS, "save_steps": MOST_STEPS, "prompts_per_step": SEEDS_A_STEP, "learning_rate": RATE,
            "seed": run.seed, "max_new_tokens": MOST, "warmup_steps": 5,
        },
        "log": {"rollouts_every": 0},
    }  # fmt: skip


def write(run: Planned) -> None:
    """Trains one run and writes curve.jsonl: interactions, held-out success, and what the step said."""
    from hicra.related.engine import Training
    from hicra.related.policy.sample import NetworkPolicy
    from hicra.related.system import Arena

    starts.make(run.environment, run.pair)
    made = WORK / run.name
    part = made.with_name(f"{made.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    (part / "config.yaml").write_text(json.dumps(sets_of(run)), encoding="utf-8")  # JSON is YAML
    config, _ = load_config(part / "config.yaml", [])
    prepared = prepare(config, print)
    folder, _ = open_run(prepared, part / "run", False, print)
    last: dict[str, Any] = {}
    training = Training(prepared, folder, None, lambda step, values: last.update(values))
    held_out = training.task.seeds("eval", HELD_OUT)
    spent, due = 0.0, 0.0
    with open(part / "curve.jsonl", "w", encoding="utf-8") as file:
        while True:
            if spent >= due or spent >= BUDGET:
                policy = NetworkPolicy(
                    training.model, training.codec, seed=run.seed
                )  # the same draws at each evaluation
                place = Arena(training.task.environment, training.codec, policy, config.train.max_new_tokens)
                success = training.system.play(place, held_out).success
                line = {
                    "step": training.step,
                    "interactions": spent,
                    "success": sum(success) / len(success),
                    "last": last,
                }
                print(json.dumps(line), file=file, flush=True)
                due = (spent // EVERY + 1) * EVERY
            if spent >= BUDGET:
                break
            training.take()
            spent += last["hicra/interactions"]
    part.rename(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=float, default=4.0, help="no run begins after so many hours of processor time")
    parser.add_argument("--environments", default=",".join(ENVIRONMENTS), help="separated by commas")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        write(next(run for run in runs() if run.name == options.one))
        return
    WORK.mkdir(parents=True, exist_ok=True)
    with open(WORK.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a second call fails: it would spend the budget twice
        make_all([run for run in runs() if run.environment in options.environments.split(",")], options.hours)


def make_all(planned: list[Planned], hours: float) -> None:
    """Makes what is not there yet, one after another."""
    for run in planned:
        if (WORK / run.name).exists():
            continue
        if used() >= hours * 3600:
            missing = sum(not (WORK / one.name).exists() for one in planned)
            print(f"{used() / 3600:.2f} hours are spent: {missing} runs are not made, from {run.name} on", flush=True)
            return
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, __file__, "--one", run.name], env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        with open(SPENT, "a", encoding="utf-8") as file:
            print(json.dumps({"run": run.name, "seconds": round(seconds, 1), "code": done.returncode}), file=file)
        print(f"{time.strftime('%H:%M:%S')} {run.name}: {seconds:.0f} s of processor time", flush=True)
        if done.returncode:
            raise SystemExit(f"{run.name} ended with {done.returncode}")
    print("every run is made", flush=True)


def used() -> float:
    """Returns the processor seconds of all calls so far."""
    if not SPENT.exists():
        return 0.0
    return sum(json.loads(line)["seconds"] for line in SPENT.read_text(encoding="utf-8").splitlines())


if __name__ == "__main__":
    main()
