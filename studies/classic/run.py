"""Makes the runs of both studies: `python run.py [--system pear] [--at-once 1]`, again after any kill.

A run becomes a line of results.jsonl and is never made again; each is made in a process of one thread. Seconds are of
the processor.

    {"run": "oparl/Pendulum-v1/td3/1", "seconds": 60.1, "returns": [...], "coverage": null}
    {"run": "pear/PointMaze_UMaze-v3/plain/1", "seconds": 150.2, "success": [[steps, share], ...], "subgoals": []}
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path
from typing import Any

from classic_design import EPISODES, EVALUATIONS, HOURS, OPARL_STEPS, PEAR_STEPS, ClassicRun, runs
from classic_stored import FILE, hours, stored

from hicra.related.named import loaded

sys.path.append(str(Path(__file__).resolve().parents[1]))

from runner import append, make_all


def made(run: ClassicRun, steps: int | None = None) -> dict[str, Any]:
    """Makes a run and returns its line; `steps` in place of the registered ones is for tests."""
    import torch

    torch.set_num_threads(1)
    began = time.process_time()
    line: dict[str, Any] = {}
    if run.system == "pear":
        settings, train = of("pear", "PearSettings", "train_pear")
        trained = train(settings(arm=run.arm, seed=run.seed, steps=steps or PEAR_STEPS), EVALUATIONS, EPISODES)
        line = {"success": trained.success, "subgoals": [round(one, 3) for one in trained.subgoals]}
    else:
        settings, train = of("oparl", "OparlSettings", "train_oparl")
        found = train(settings(run.arm, run.task, run.seed, steps or OPARL_STEPS))
        share = None if math.isnan(found.coverage) else round(found.coverage, 4)
        line = {"returns": [round(one, 2) for one in found.returns], "coverage": share}
    return {"run": run.name, "seconds": round(time.process_time() - began, 1), **line}


def of(system: str, *names: str) -> tuple[Any, ...]:
    """Returns what a system's training module has under these names; an error names the extra where it is missing."""
    return tuple(loaded(f"hicra.related.classic.{system}.train:{name}", "classic", system.upper()) for name in names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--system", choices=("pear", "oparl"), help="only the runs of this study")
    parser.add_argument("--at-once", type=int, default=1, help="runs side by side, each of one thread")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        line = made(next(run for run in runs() if run.name == options.one))
        append(FILE, line)
        return
    planned = [run.name for run in runs() if options.system in (None, run.system)]
    make_all(planned, __file__, stored, seconds_left, at_once=options.at_once, lock=FILE.parent / "lock")


def seconds_left(name: str) -> float:
    """Returns the processor time that the study of a run has left."""
    system = name.partition("/")[0]
    return 3600 * (HOURS[system] - hours(stored(), system))


if __name__ == "__main__":
    main()
