"""Trains OPARL or TD3: `python recipes/oparl/run.py [--arm oparl|td3] [--task Pendulum-v1] [--seed 0] [--steps 10000]`"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from hicra.related.named import loaded
from hicra.related.script import ended, seed, whole

TRAIN = "hicra.related.classic.oparl.train"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 0, or 1 where an input is wrong or a package is missing, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python recipes/oparl/run.py", description="OPARL on a control task.")
    parser.add_argument("--arm", choices=("oparl", "td3"), default="oparl", help="(default oparl)")
    parser.add_argument("--task", default="Pendulum-v1", help="environment of gymnasium (default Pendulum-v1)")
    parser.add_argument("--seed", type=seed, default=0, help="of everything drawn (default 0)")
    parser.add_argument(
        "--steps", type=whole(1), default=10_000, help="of the environment; the first 1000 are random (default 10000)"
    )
    options = parser.parse_args(arguments)

    def work() -> None:
        began = time.process_time()
        settings = loaded(f"{TRAIN}:OparlSettings", "classic", "OPARL")
        train = loaded(f"{TRAIN}:train_oparl", "classic", "OPARL")
        found = train(settings(options.arm, options.task, options.seed, options.steps))
        print(f"mean return of {len(found.returns)} held-out episodes: {sum(found.returns) / len(found.returns):.1f}")
        if found.coverage == found.coverage:
            print(f"training visited {found.coverage:.3f} of the cells of the observation space")
        print(f"{time.process_time() - began:.0f} cpu-s")

    return ended(work)


if __name__ == "__main__":
    raise SystemExit(main())
