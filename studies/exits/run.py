"""Makes the trials of the study: `python run.py [--hours 1] [--at-once 1] [--sides 3,4]`, again after any kill.

A trial becomes a line of results.jsonl and is never made again:

    {"trial": "3/1", "precision": 1.0, "recall": 1.0, "clusters": 4, "seconds": 31.2, "training_seconds": 17.0,
     "arms": {"flat": {"regret": [regret so far at each of POINTS], "seconds": 1.9}, ...}}

Seconds are of the processor. Each trial runs in a process of one thread.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
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

sys.path.append(str(Path(__file__).resolve().parents[1]))

from runner import append, make_all


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
        append(FILE, line)
        return
    planned = [trial.name for trial in trials() if str(trial.side) in options.sides.split(",")]

    def left(name: str) -> float:
        return float(options.hours * 3600 - sum(line["seconds"] for line in stored().values()))

    make_all(planned, __file__, stored, left, at_once=options.at_once, lock=FILE.parent / "lock", kind="trial")


if __name__ == "__main__":
    main()
