"""Makes the runs of the study: `python run.py [--hours 1] [--at-once 1]`, again after any kill.

A pilot, which is no result: `python run.py --pilot ARM RATE`.

A run that has spent its budget of interactions becomes a line of results.jsonl (`kept.py`), and is never made again; one that
was killed starts anew. Runs begin in the order of `arms.py`, each in a process of one thread. No run begins after so many hours
of processor time, those of stored runs included; what is missing then is said.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kept
from arms import ARMS, BUDGET, EVALUATIONS, HELD_OUT, HOURS, PILOT, WORLD, Trial, trials

from hicra.artifacts import sha256_file
from hicra.runs.config import load_config

sys.path.append(str(Path(__file__).resolve().parents[1]))

from runner import make_all, processor_seconds

HERE = Path(__file__).resolve().parent
WORK, RECIPE = HERE / "work", HERE.parents[1] / "recipes" / "etpo" / "warmstart.py"
Steps = tuple[Callable[[], float], Callable[[], float]]  # takes a step and returns its interactions; held-out success


def start_of(pair: int) -> Path:
    """Returns the folder of the start model of a pair, which is trained where it is not there yet."""
    folder = WORK / "starts" / str(pair)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            command = [sys.executable, str(RECIPE), WORLD["name"], "-o", str(folder), "--seed", str(pair)]
            subprocess.run(command, check=True)
    return folder


def opened(run: Trial, start: Path, folder: Path) -> Steps:
    """Returns what takes a step of a run, and what evaluates it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(json.dumps(run.config(str(start))), encoding="utf-8")  # JSON is YAML
    config, _ = load_config(folder / "config.yaml", [])
    return by_etpo(config) if run.arm == "etpo" else by_engine(config, folder)


def by_etpo(config: Any) -> Steps:
    """Opens a run of ETPO."""
    from hicra.related.critics.train import CriticTraining

    training = CriticTraining(config)

    def take() -> float:
        return training.take()["hicra/interactions"]

    return take, lambda: mean(training.success(HELD_OUT))


def by_engine(config: Any, folder: Path) -> Steps:
    """Opens a run of the engine `related`."""
    from hicra.engines.prepare import open_run, prepare
    from hicra.related.engine import Training
    from hicra.related.policy.sample import NetworkPolicy
    from hicra.related.system import Arena

    prepared = prepare(config, print)
    made, _ = open_run(prepared, folder / "run", False, print)
    last: dict[str, Any] = {}
    training = Training(prepared, made, None, lambda step, values: last.update(values))
    held_out = training.task.seeds("eval", HELD_OUT)

    def take() -> float:
        training.take()
        return float(last["hicra/interactions"])

    def success() -> float:
        policy = NetworkPolicy(training.model, training.codec, seed=config.train.seed)  # the same draws each time
        place = Arena(training.task.environment, training.codec, policy, config.train.max_new_tokens)
        return mean(training.system.play(place, held_out).success)

    return take, success


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def write(run: Trial) -> None:
    """Trains one run and stores its curve: interactions and held-out success at each evaluation."""
    start = start_of(run.pair)
    digest = sha256_file(start / "model.safetensors")
    kept.refuse_other_start(run, digest)
    take, success = opened(run, start, WORK / "runs" / run.name)
    curve, spent, due, steps = list[tuple[float, float]](), 0.0, 0.0, 0
    while True:
        if spent >= due or spent >= BUDGET:
            curve.append((spent, success()))
            due = (spent // (BUDGET / EVALUATIONS) + 1) * BUDGET / EVALUATIONS
        if spent >= BUDGET:
            break
        spent += take()
        steps += 1
    seconds = processor_seconds()
    kept.add(run, curve, steps, digest, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--hours", type=float, default=HOURS, help="no run begins after so many hours of processor time"
    )
    parser.add_argument("--at-once", type=int, default=1, help="runs side by side, each of one thread")
    parser.add_argument(
        "--pilot", nargs=2, metavar=("ARM", "RATE"), help="one pilot, which is not reported as a result"
    )
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.pilot:
        arm, rate = options.pilot
        write(Trial(arm if arm in ARMS else parser.error(f"no arm {arm}"), PILOT, float(rate)))
        return
    if options.one:
        write(next(run for run in trials() if run.name == options.one))
        return

    def left(name: str) -> float:
        return float(options.hours * 3600 - sum(line["seconds"] for line in kept.read().values()))

    planned = [run.name for run in trials()]
    make_all(planned, __file__, kept.read, left, at_once=options.at_once, lock=WORK / "lock")


if __name__ == "__main__":
    main()
