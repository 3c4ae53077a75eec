"""Claim: what HICRA adds to a step of verl on a CPU takes at most 1 % of it, or 30 ms where the step is shorter than 3 s.

    .venv-verl/bin/python benchmarks/bench_verl_overhead.py -o benchmarks/baselines/bench_verl_overhead.json

It runs in the environment that `make check-verl` makes. Real verl trains a tiny model on a local Ray (two FSDP2 workers, 16
rollouts of up to 16 tokens), and its steps take turns in one run: verl's own, and the same with `hicra`. What decides is the
wall clock of computing the advantages, which is the one place where they differ: median with hicra less median without. Beside
it stand the whole step, and CPU seconds, of the process that drives the run and of all processes together. At this size that is
the fixed cost of a step: reading and writing verl's queue. What grows with the tokens is measured by `bench_verl_driver.py`.

Then what the plug-in adds to a process that starts: the CPU seconds of whole processes that import verl, or verl's trainers, with
and without it, in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
sys.path.insert(0, str(ROOT / "benchmarks"))

from machine import finish, machine

MOST_SHARE, MOST_MS = 0.01, 30.0
WARM_UP = 2  # of each arm
ARMS = ("plain", "hicra")
MEASURED = ("wall", "driver_cpu", "all_cpu", "advantages_wall", "advantages_cpu")
PLUGINS = {"plain": "cpu", "hicra": "cpu,hicra"}  # by their entry points
STARTS = {
    "a process that imports verl": "import verl",
    "a process that imports verl's trainers": "import verl.trainer.ppo.v1",
}


def steps_of(pairs: int) -> list[dict[str, Any]]:
    from verl_small import make_world, run

    with tempfile.TemporaryDirectory() as folder:
        world, lines = Path(folder), Path(folder) / "steps.jsonl"
        make_world(world)
        count = 2 * (pairs + WARM_UP)
        run(
            world, "trainer.v1.trainer_mode=alternating", f"trainer.total_training_steps={count}", "trainer.total_epochs=9999",
            "+hicra.method=hicra", f"+hicra.lexicon={world / 'grams.txt'}", show=False, VERL_ON_CPU_STEPS=str(lines),
        )  # fmt: skip
        steps = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert [step["arm"] for step in steps] == [*ARMS] * (count // 2), "the steps did not take turns"
    return steps[2 * WARM_UP :]


def compared(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians of both arms in milliseconds, and of the ratio of each step with hicra to the plain one before it."""
    found: dict[str, Any] = {"pairs": len(steps) // 2}
    for name in MEASURED:
        plain, hicra = ([step[name] for step in steps if step["arm"] == arm] for arm in ARMS)
        ratios = [b / a for a, b in zip(plain, hicra, strict=True) if a]
        found[name] = {
            "plain_ms": round(1000 * statistics.median(plain), 1), "hicra_ms": round(1000 * statistics.median(hicra), 1),
            "ratio_quartiles": [round(value, 3) for value in statistics.quantiles(ratios, n=4)],
        }  # fmt: skip
    added = found["advantages_wall"]["hicra_ms"] - found["advantages_wall"]["plain_ms"]
    found["added_ms"], found["added_share"] = round(added, 1), round(added / found["wall"]["plain_ms"], 5)
    return found


def start_seconds(code: str, arm: str) -> dict[str, float]:
    environment = os.environ | {
        "VERL_PLATFORM": "cpu", "VERL_ENGINE_DEVICE": "cuda", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore",
        "VERL_USE_EXTERNAL_PLUGINS": PLUGINS[arm],
    }  # fmt: skip
    spent, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ("plugin registered" in done.stderr) == (arm == "hicra"), done.stderr
    cpu = now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime
    return {"cpu": cpu, "wall": time.perf_counter() - began}


def starts(repeats: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, code in STARTS.items():
        taken = [{arm: start_seconds(code, arm) for arm in ARMS} for _ in range(repeats)]
        found[name] = {
            f"{arm}_{clock}_seconds": sorted(round(one[arm][clock], 2) for one in taken)
            for clock in ("cpu", "wall") for arm in ARMS
        }  # fmt: skip
        least = [min(one[arm]["cpu"] for one in taken) for arm in ARMS]
        found[name]["added_cpu_seconds"] = round(least[1] - least[0], 2)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20, help="steps of each arm (default: 20)")
    parser.add_argument(
        "--starts", type=int, default=3, help="processes of each arm and kind (default: 3; 0 leaves them out)"
    )
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    for needed in ("verl", "verl_on_cpu"):
        if find_spec(needed) is None:
            print(
                f"error: {sys.executable} has no {needed}, which this benchmark runs\n"
                "  fix: make check-verl, then .venv-verl/bin/python benchmarks/bench_verl_overhead.py",
                file=sys.stderr,
            )
            return 1
    print(f"measuring {given.pairs} pairs of steps", file=sys.stderr, flush=True)
    found = compared(steps_of(given.pairs))
    print("measuring starts", file=sys.stderr, flush=True)
    report = {
        "claim": __doc__.splitlines()[0].removeprefix("Claim: "), **machine("verl", "ray", "torch"), "step": found,
        "start": starts(given.starts) if given.starts else {},
        "holds": found["added_share"] <= MOST_SHARE or found["added_ms"] <= MOST_MS,
    }  # fmt: skip
    return finish(report, given.output)


if __name__ == "__main__":
    sys.exit(main())
