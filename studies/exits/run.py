"""Makes the trials of the study: `python run.py [--hours 1] [--at-once 1] [--sides 3,4]`, again after any kill.

A trial becomes a line of results.jsonl and is never made again:

    {"trial": "3/1", "precision": 1.0, "recall": 1.0, "clusters": 4, "seconds": 31.2, "training_seconds": 17.0,
     "arms": {"flat": {"regret": [regret so far at each of POINTS], "seconds": 1.9}, ...}}

Seconds are of the processor. Each trial runs in a process of one thread.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from exits_design import (
    ARMS,
    DOORS,
    EPISODES,
    OUTCOMES,
    POINTS,
    SCALE,
    SIDES,
    SLIP,
    TASKS,
    TRAINING,
    TRAINING_SCALE,
    Trial,
    trials,
)
from exits_stored import FILE, stored


def made(trial: Trial, training: int = TRAINING, episodes: int = EPISODES) -> dict[str, Any]:
    """Makes a trial and returns its line."""
    from hicra.related.classic.exits.learners import FlatUCBVI, FlatWithInside, GraphUCBVI, learn
    from hicra.related.classic.exits.rooms import FourRooms
    from hicra.related.classic.exits.train import precision_recall, recover

    began = time.process_time()
    rooms = FourRooms(trial.side, DOORS, SLIP)
    found = recover(rooms.training(TASKS, trial.seed), training, OUTCOMES, trial.seed, scale=TRAINING_SCALE)
    trained = time.process_time() - began
    precision, recall = precision_recall(found.exits, rooms.exits())
    task, arms = rooms.test(trial.seed), {}
    learners = {
        "flat": FlatUCBVI(task, episodes, scale=SCALE),
        "inside": FlatWithInside(found.hierarchy, task, episodes, scale=SCALE),
        "graph": GraphUCBVI(found.hierarchy, task, episodes, scale=SCALE),
    }
    for arm in ARMS:
        start = time.process_time()
        regret = learn(task, learners[arm], episodes, trial.seed).regret.cumsum()
        kept = regret[episodes // POINTS - 1 :: episodes // POINTS]
        arms[arm] = {
            "regret": [round(float(one), 4) for one in kept],
            "seconds": round(time.process_time() - start, 2),
        }
    return {
        "trial": trial.name, "precision": precision, "recall": recall,
        "clusters": int(found.hierarchy.clusters.max()) + 1, "seconds": round(time.process_time() - began, 1),
        "training_seconds": round(trained, 1), "arms": arms,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--hours", type=float, default=1.0, help="no trial begins after so many hours of processor time"
    )
    parser.add_argument("--at-once", type=int, default=1, help="trials side by side, each of one thread")
    parser.add_argument("--sides", default=",".join(map(str, SIDES)), help="separated by commas")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        line = made(next(trial for trial in trials() if trial.name == options.one))
        with open(FILE, "a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")  # at once, so a kill leaves none or all of it
        return
    with open(FILE.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a second call fails: it would make the same trials
        make_all(
            [trial for trial in trials() if str(trial.side) in options.sides.split(",")], options.hours, options.at_once
        )


def make_all(planned: list[Trial], hours: float, at_once: int) -> None:
    """Makes what is not there yet, in its order."""

    def make(trial: Trial) -> str | None:
        """Makes a trial, unless the hours are spent; returns its name if it is not made."""
        if sum(line["seconds"] for line in stored().values()) >= hours * 3600:
            return trial.name
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, __file__, "--one", trial.name], env=environment, check=True)
        print(f"{time.strftime('%H:%M:%S')} {trial.name}", flush=True)
        return None

    there = stored()
    with ThreadPoolExecutor(at_once) as pool:
        left = [name for name in pool.map(make, [one for one in planned if one.name not in there]) if name]
    print(f"{len(left)} trials are not made, from {left[0]} on: the hours are spent" if left else "every trial is made")


if __name__ == "__main__":
    main()
