"""Makes the runs of the study: `python run.py [--hours 4] [--environments minigrid]`, again after any kill.

A run that has spent its budget of interactions becomes a line of results.jsonl (`made_runs.py`), and is never made again; one
that was killed starts anew. Runs begin in the order of `design.py`, each in a process of one thread. With `--hours`, no run
begins after so many hours of processor time, those of stored runs included; what is missing then is said.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import made_runs
import starts
from design import ARMS, BUDGET, ENVIRONMENTS, EVALUATIONS, HELD_OUT, HOURS, MOST, RATE, SEEDS_A_STEP, Planned, runs

from hicra.engines.prepare import open_run, prepare
from hicra.runs.config import load_config

sys.path.append(str(Path(__file__).resolve().parents[1]))

from runner import make_all, processor_seconds

WORK = Path(__file__).resolve().parent / "work" / "runs"
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
    """Trains one run and stores its curve: interactions and held-out success at each evaluation."""
    from hicra.related.engine import Training
    from hicra.related.policy.sample import NetworkPolicy
    from hicra.related.system import Arena

    starts.make(run.environment, run.pair)
    digest = starts.digest(run.environment, run.pair)
    made_runs.refuse_other_start(run, digest)
    folder = WORK / run.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(json.dumps(sets_of(run)), encoding="utf-8")  # JSON is YAML
    config, _ = load_config(folder / "config.yaml", [])
    prepared = prepare(config, print)
    opened, _ = open_run(prepared, folder / "run", False, print)
    last: dict[str, Any] = {}
    training = Training(prepared, opened, None, lambda step, values: last.update(values))
    held_out = training.task.seeds("eval", HELD_OUT)
    budget, spent, due = BUDGET[run.environment], 0.0, 0.0
    curve: list[tuple[float, float]] = []
    while True:
        if spent >= due or spent >= budget:
            policy = NetworkPolicy(training.model, training.codec, seed=run.seed)  # the same draws at each evaluation
            place = Arena(training.task.environment, training.codec, policy, config.train.max_new_tokens)
            success = training.system.play(place, held_out).success
            curve.append((spent, sum(success) / len(success)))
            due = (spent // (budget / EVALUATIONS) + 1) * budget / EVALUATIONS
        if spent >= budget:
            break
        training.take()
        spent += last["hicra/interactions"]
    seconds = processor_seconds()
    made_runs.add(run, curve, last, training.step, digest, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--hours", type=float, default=HOURS, help="no run begins after so many hours of processor time"
    )
    parser.add_argument("--at-once", type=int, default=1, help="runs side by side, each of one thread")
    parser.add_argument("--environments", default=",".join(ENVIRONMENTS), help="separated by commas")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        write(next(run for run in runs() if run.name == options.one))
        return
    chosen = [run.name for run in runs() if run.environment in options.environments.split(",")]

    def left(name: str) -> float:
        return float(options.hours * 3600 - sum(line["seconds"] for line in made_runs.read().values()))

    make_all(chosen, __file__, made_runs.read, left, at_once=options.at_once, lock=WORK.parent / "lock")


if __name__ == "__main__":
    main()
