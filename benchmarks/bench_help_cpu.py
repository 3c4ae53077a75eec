"""Claim: `hicra --help` takes at most 0.6 s of CPU.

    python benchmarks/bench_help_cpu.py

Median of 9 runs after one that fills the caches; the ratio is to `import numpy` in the same Python.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from machine import machine

RUNS, MOST_S = 9, 0.6


def cpu_seconds(*command: str) -> float:
    """Median CPU seconds (user and system) of a command."""
    used = []
    for _ in range(RUNS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(used[1:])


def main() -> None:
    base = cpu_seconds(sys.executable, "-c", "import numpy")
    hicra = str(Path(sys.executable).parent / "hicra")
    verbs = {verb: round(cpu_seconds(hicra, *verb.split(), "--help"), 3) for verb in ("", "train", "mine")}
    found = {"import_numpy_s": round(base, 3), "help_s": verbs, "ratio": round(verbs[""] / base, 2), "most_s": MOST_S}
    print(found)
    out = Path(__file__).parent / "baselines" / "bench_help_cpu.json"
    out.write_text(json.dumps({**machine("cyclopts"), **found}, indent=2) + "\n")
    if verbs[""] > MOST_S:
        sys.exit(f"hicra --help takes {verbs['']} s of CPU")


if __name__ == "__main__":
    main()
