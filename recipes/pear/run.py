"""Trains one arm of PEAR in a point maze: `python recipes/pear/run.py [--arm pear|fixed|plain] [--seed 0] [--steps 15000]`"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from hicra.related.named import loaded
from hicra.related.script import ended, seed, whole

TRAIN = "hicra.related.classic.pear.train"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 0, or 1 where an input is wrong or a package is missing, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python recipes/pear/run.py", description="PEAR in a point maze.")
    parser.add_argument("--arm", choices=("pear", "fixed", "plain"), default="pear", help="(default pear)")
    parser.add_argument("--seed", type=seed, default=0, help="of everything drawn (default 0)")
    parser.add_argument("--steps", type=whole(1), default=15_000, help="of the world (default 15000)")
    options = parser.parse_args(arguments)

    def work() -> None:
        began = time.process_time()
        settings = loaded(f"{TRAIN}:PearSettings", "classic", "PEAR")
        train = loaded(f"{TRAIN}:train_pear", "classic", "PEAR")
        found = train(settings(arm=options.arm, seed=options.seed, steps=options.steps))
        if found.subgoals:
            print(f"subgoals of a demonstration: {found.subgoals[0]:.1f} at first, {found.subgoals[-1]:.1f} at last")
        for steps, share in found.success:
            print(f"after {steps} steps: {share:.2f} of the held-out episodes reach the goal")
        print(f"{time.process_time() - began:.0f} cpu-s")

    return ended(work)


if __name__ == "__main__":
    raise SystemExit(main())
