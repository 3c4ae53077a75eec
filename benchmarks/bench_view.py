"""Claim: `hicra view` searches the texts of 100,000 rollouts in at most 2 s of CPU and 400 MB, and a report stays below 2 MB.

    python benchmarks/bench_view.py

Two runs of 50 steps are made, with made-up texts of about 200 words. CPU seconds are of this process (user and system), in one
run of each; the peak of memory is that of the process that views, with nothing else in it.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

sys.path.insert(0, str(Path(__file__).parent))
from machine import machine

SIZES, STEPS, VIEWED = (200, 2_000, 20_000), 50, 100_000
MOST_S, MOST_MB, MOST_BYTES = 2.0, 400, 2_000_000
TEXT = "so we need to find the sum of all terms then let us check that it is right and add 3 4 7 12 wait since thus"
SPANS = pl.List(pl.Struct({"start": pl.Int64, "end": pl.Int64, "gram": pl.String}))


def write_runs(folder: Path, rollouts: int) -> list[Path]:
    """Writes two runs that hold so many rollouts together."""
    from hicra.runs import RunFolder

    paths = []
    for method in ("none", "hicra"):
        rng, run = random.Random(method), RunFolder.create(folder / method, method=method, seed=0, config={})
        for step in range(1, STEPS + 1):
            run.log(step, {"hicra/accuracy": rng.random(), "hicra/length": 200.0})
            rows = [_row(rng, step, number) for number in range(rollouts // (2 * STEPS))]
            run.write_rollouts(step, pl.DataFrame(rows, schema_overrides={"spans": SPANS}))
        paths.append(run.path)
    return paths


def _row(rng: random.Random, step: int, number: int) -> dict[str, Any]:
    text = " ".join(rng.choices(TEXT.split(), k=200)) + f" number {step} {number}"
    at = text.find("we need to")
    right = rng.random() < 0.5
    spans = [{"start": at, "end": at + 10, "gram": "we need to"}] if at >= 0 else []
    return {
        "step": step, "id": f"{step}-{number}", "prompt": f"problem {step} {number // 8}", "answer": "7", "response": text,
        "reward": float(right), "correct": right, "spans": spans,
    }  # fmt: skip


def timed(results: dict[str, float], name: str, work: Any) -> Any:
    """Does some work and notes its CPU seconds."""
    before = time.process_time()
    found = work()
    results[name] = round(time.process_time() - before, 2)
    return found


def view(folder: Path) -> dict[str, Any]:
    """Views two runs and asks for what a reader asks for."""
    from hicra.view.entries import table_rows, whole_rollout
    from hicra.view.page import make_view
    from hicra.view.search import Query, Search

    cpu: dict[str, float] = {}
    made = timed(cpu, "start", lambda: make_view([folder / "none", folder / "hicra"]))
    search, index = Search(made.index), made.index
    timed(cpu, "search_text", lambda: search.page(Query(text="number 17 3")))
    timed(cpu, "next_page", lambda: table_rows(index, search.page(Query(text="number 17 3", page=1))[2].tolist()))
    timed(cpu, "search_gram", lambda: search.page(Query(gram="need")))
    timed(cpu, "sort", lambda: search.page(Query(sort="length", down=True)))
    timed(cpu, "one_rollout", lambda: whole_rollout(made.model, index, len(index) - 1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rollouts": len(index), "cpu_s": cpu, "peak_mb": round(peak)}


def main() -> None:
    from hicra.report import build_report

    reports: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        for size in SIZES:
            cpu: dict[str, float] = {}
            runs, page = write_runs(Path(name) / str(size), size), Path(name) / f"{size}.html"
            found = timed(cpu, "build", lambda runs=runs, page=page: build_report(runs, page))
            reports[str(size)] = {"cpu_s": cpu["build"], "bytes": found["bytes"]}
        write_runs(Path(name) / "viewed", VIEWED)
        said = subprocess.run(
            [sys.executable, __file__, str(Path(name) / "viewed")], check=True, capture_output=True, text=True
        )
    viewed = json.loads(said.stdout)
    result = {
        **machine("polars"),
        "report": reports,
        "view": viewed,
        "most": {"search_s": MOST_S, "mb": MOST_MB, "bytes": MOST_BYTES},
    }
    print(json.dumps(result, indent=2))
    out = Path(__file__).parent / "baselines" / "bench_view.json"
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    slow = max(viewed["cpu_s"][name] for name in ("search_text", "search_gram")) > MOST_S
    if slow or viewed["peak_mb"] > MOST_MB or max(one["bytes"] for one in reports.values()) > MOST_BYTES:
        sys.exit("the claim does not hold")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(view(Path(sys.argv[1]))))
    else:
        main()
