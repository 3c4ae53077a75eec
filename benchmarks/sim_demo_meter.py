"""Claim: the demo's first result is the same at every seed: from the weak start most of the learning signal lies on execution
tokens, from the strong start on planning tokens, and the intervals say so.

    python benchmarks/sim_demo_meter.py -o benchmarks/baselines/sim_demo_meter.json      about 2 CPU-minutes a seed

Measures both warm starts for seeds 0 to 4 with exactly the demo's settings, in two processes. Seeds differ in problems and
rollouts, as two machines do whose rounding differs. Finished seeds are kept in the folder `--work` and not measured again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from hicra.artifacts import canonical_json, write_text
from hicra.demo.meter import BATCHES, METHODS, STARTS
from machine import machine

HELD = {"weak": "execution", "strong": "planning"}


def measured(start: str, seeds: list[int], work: Path) -> list[dict[str, Any]]:
    """Returns the results of a start in the order of the seeds."""
    return [json.loads((work / f"{start}-{seed}.json").read_text()) for seed in seeds]


def spread(values: list[float]) -> dict[str, Any]:
    """Least, greatest and mean value over seeds, and the values."""
    return {"least": min(values), "greatest": max(values), "mean": sum(values) / len(values), "values": values}


def summary(start: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of a start over all seeds."""
    shares = [one["kinds"]["planning"] for one in results]
    methods = {}
    for name in METHODS:
        of_seeds = [one["methods"][name] for one in results]
        ends = [one["difference_ci"] for one in of_seeds]
        methods[name] = {
            "cosine": spread([one["cosine"] for one in of_seeds]),
            "difference": spread([one["difference"] for one in of_seeds]),
            "better": sum(bool(end and end[0] > 0) for end in ends),
            "worse": sum(bool(end and end[1] < 0) for end in ends),
        }
    held = sum(
        bool(one["ci"]) and (one["ci"][0] > 0.5 if HELD[start] == "planning" else one["ci"][1] < 0.5) for one in shares
    )
    return {
        "planning_share": spread([one["share"] for one in shares]), "planning_ci": [one["ci"] for one in shares],
        f"seeds_where_{HELD[start]}_surely_holds_most": held, "methods": methods,
        "accuracy": spread([one["accuracy"] for one in results]), "components": results[0]["components"][0],
        "cpu_seconds": [one["cpu_seconds"] for one in results],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--work", type=Path, default=Path("runs/demo-meter"))
    parser.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args()
    seeds = list(range(given.seeds))
    given.work.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        jobs = []
        for start in STARTS:
            path = given.work / f"{start}-{seed}.json"
            if not path.exists():
                command = [sys.executable, "-m", "hicra.demo.meter", start, "--seed", str(seed), "-o", str(path)]
                jobs.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        if any(job.wait() for job in jobs):
            sys.exit(f"a measurement of seed {seed} failed")
    found = {start: summary(start, measured(start, seeds, given.work)) for start in STARTS}
    holds = all(found[start][f"seeds_where_{kind}_surely_holds_most"] == len(seeds) for start, kind in HELD.items())
    result = {**machine("torch", "transformers"), "holds": holds, "seeds": seeds, "batches": BATCHES, "starts": found}
    write_text(given.out, canonical_json(result))
    print(json.dumps(result, indent=2))
    if not holds:
        sys.exit("the claim does not hold")


if __name__ == "__main__":
    main()
