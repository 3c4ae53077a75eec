"""Claim: a step that measures the signal of the gradient (`train.signal_every`) costs at most 1.8 times another step.

    python benchmarks/bench_signal_every.py

One run of the embedded task for each start, with the batch of the recipe (32 problems, 8 rollouts each), measures every second
step; so measured and other steps take turns on one policy and one machine. A step is generation, rewards, tagging, loss, backward
and optimizer. The ratio is that of the median CPU seconds, in one thread; the first two steps warm up and do not count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

from hicra.engines.train import train
from hicra.runs.config import load_config
from machine import finish, machine

MOST, WARM_UP = 1.8, 2
STARTS = {"strong": 6e-4, "weak": 2e-4}


def steps(start: str, rate: float, count: int) -> list[dict[str, Any]]:
    """Trains, and returns for each step its CPU seconds, whether it was measured, and the share of groups with spread."""
    found: list[dict[str, Any]] = []
    last = 0.0

    def progress(step: int, values: dict[str, Any]) -> None:
        nonlocal last
        now = time.process_time()
        found.append({
            "seconds": now - last, "measured": "hicra/signal_planning" in values, "mixed": values["hicra/mixed_groups"],
        })  # fmt: skip
        last = now

    sets = [
        f"model.name=plan-execute-{start}", f"train.steps={count}", f"train.save_steps={count}", "train.signal_every=2",
        f"train.learning_rate={rate}", "train.prompts_per_step=32", "train.group_size=8", "eval.problems=0",
        "log.rollouts_every=0",
    ]  # fmt: skip
    config, _ = load_config(None, sets, None)
    with tempfile.TemporaryDirectory() as folder:
        last = time.process_time()
        train(config, Path(folder) / "run", resume=False, say=lambda text: None, progress=progress)
    return found[WARM_UP:]


def measure(start: str, rate: float, count: int) -> dict[str, Any]:
    found = steps(start, rate, count)
    measured, other = ([one["seconds"] for one in found if one["measured"] == due] for due in (True, False))
    return {
        "measured_cpu_seconds": round(statistics.median(measured), 3),
        "other_cpu_seconds": round(statistics.median(other), 3),
        "ratio": round(statistics.median(measured) / statistics.median(other), 3),
        "ratio_of_extremes": [round(min(measured) / max(other), 3), round(max(measured) / min(other), 3)],
        "steps": len(found),
        "mixed_groups": round(statistics.mean(one["mixed"] for one in found), 3),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=22)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    starts = {}
    for start, rate in STARTS.items():
        print(f"measuring from the {start} start: {given.steps} steps", file=sys.stderr, flush=True)
        starts[start] = measure(start, rate, given.steps)
    report = {
        "claim": __doc__.splitlines()[0].removeprefix("Claim: "), **machine("torch", "transformers", "trl"), "most_ratio": MOST,
        "rollouts": 256, "starts": starts, "holds": all(one["ratio"] <= MOST for one in starts.values()),
    }  # fmt: skip
    return finish(report, given.output)


if __name__ == "__main__":
    sys.exit(main())
