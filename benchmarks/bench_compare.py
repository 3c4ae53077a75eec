"""Claim: `hicra compare` takes under a second of CPU for 10,000 rows, and its exact p is that of scipy's permutation test.

    python benchmarks/bench_compare.py -o benchmarks/baselines/bench_compare.json        about a minute

CPU seconds of one thread, medians: reading and comparing within one process, and a whole new process with its imports. Two
shapes of 10,000 rows (5 arms x 10 seeds x 200 questions; 2 arms x 5,000 seeds, where sign flips are drawn) as .csv, .jsonl and
.parquet. The sign-flip test stands against scipy.stats.permutation_test on the same differences.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import permutation_test

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra import stats
from hicra.artifacts import canonical_json
from hicra.compare.compare import compare
from hicra.compare.plot import save_plot
from machine import machine

MOST_CPU_S, REPEATS = 1.0, 5
SHAPES = {"5 arms x 10 seeds x 200 questions": (5, 10, 200), "2 arms x 5000 seeds": (2, 5000, 0)}
SUFFIXES = ("csv", "jsonl", "parquet")
WHOLE = (
    "import sys; from hicra.compare.compare import compare; from hicra.compare.text import render; "
    "print(render(compare([sys.argv[1]], 'arm0')))"
)


def table(arms: int, seeds: int, questions: int) -> pl.DataFrame:
    """Rows in random order; every arm but the first is a little better."""
    rng = np.random.default_rng(0)
    arm, seed, question = (
        x.reshape(-1) for x in np.meshgrid(range(arms), range(seeds), range(questions or 1), indexing="ij")
    )
    value = rng.normal(0, 0.05, seeds)[seed] + rng.normal(0, 0.1, len(arm)) + 0.5 + 0.03 * (arm > 0)
    frame = pl.DataFrame({"arm": [f"arm{a}" for a in arm], "seed": seed, "value": value})
    if questions:
        frame = frame.with_columns(question=pl.Series([f"q{q}" for q in question]))
    return frame.sample(fraction=1.0, shuffle=True, seed=1)


def cpu(work: Any) -> float:
    """Median CPU seconds of some calls."""
    taken = []
    for _ in range(REPEATS):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return float(np.median(taken))


def process_cpu(path: Path) -> float:
    """CPU seconds of a new process that compares a table."""
    taken = []
    for _ in range(REPEATS):
        before = getrusage(RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", WHOLE, path], check=True, stdout=subprocess.DEVNULL)
        after = getrusage(RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return float(np.median(taken))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-o", "--output", type=Path, default=None)
    given = options.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, shape in SHAPES.items():
            frame = table(*shape)
            for suffix in SUFFIXES:
                path = Path(folder) / f"t.{suffix}"
                {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}[suffix](path)
                row = {
                    "shape": name, "file": suffix, "rows": frame.height,
                    "compare_cpu_s": cpu(lambda path=path: compare([path], "arm0")), "process_cpu_s": process_cpu(path),
                }  # fmt: skip
                rows.append(row)
            found = compare([path], "arm0")
            drawn = Path(folder) / "p.svg"
            rows[-1]["plot_cpu_s"] = cpu(lambda found=found, drawn=drawn: save_plot(found, drawn))
    peers = []
    for n in (8, 12, 16):
        differences = np.random.default_rng(n).normal(0.5, 1, n)
        other = permutation_test(
            (differences,), np.sum, permutation_type="samples", n_resamples=np.inf, vectorized=True
        )
        ours = stats.sign_flip_p(differences)
        peers.append({
            "pairs": n, "p": ours, "p_scipy": float(other.pvalue), "cpu_s": cpu(lambda d=differences: stats.sign_flip_p(d)),
            "scipy_cpu_s": cpu(lambda d=differences: permutation_test(
                (d,), np.sum, permutation_type="samples", n_resamples=np.inf, vectorized=True)),
        })  # fmt: skip
    result = {**machine("scipy", "polars"), "tables": rows, "sign_flip": peers}
    claims = {
        "under_1_cpu_second": max(row["compare_cpu_s"] for row in rows) < MOST_CPU_S,
        "p_is_scipys": all(abs(peer["p"] - peer["p_scipy"]) < 1e-9 for peer in peers),
    }
    print(json.dumps({"claims": claims, **result}, indent=2))
    if given.output:
        given.output.write_text(canonical_json({"claims": claims, **result}))
    if not all(claims.values()):
        sys.exit("a claim does not hold")


if __name__ == "__main__":
    main()
