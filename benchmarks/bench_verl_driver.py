"""Claim: what HICRA adds in the process that drives a verl run takes at most 0.2 CPU-seconds a million tokens.

    python benchmarks/bench_verl_driver.py -o benchmarks/baselines/bench_verl_driver.json

It tags, shapes and counts the whole batch there. The batch is made up: words of a few sentences in random order, and at one place
in fifty a gram of the paper's list; rows from a quarter of T to T tokens, 16 rollouts a prompt, with log-probabilities and
entropies as verl's trainer has them. Process CPU time with one thread, the second of two calls; then the wall clock with the
threads that a run takes, one a core. What verl itself does there (its queue, padding, its estimator) is not in it. The largest
size holds 4,096 rollouts of up to 8,192 tokens.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra import Lexicon
from hicra.engines.verl.rows import Credit, VerlRows
from hicra.engines.verl.section import Section
from machine import finish, machine
from tagging_measure import peak_memory
from tokenizers_made import TEXT, byte_level

SIZES = {"256x2048": (256, 2048), "1024x4096": (1024, 4096), "4096x8192": (4096, 8192)}
MOST_SECONDS = 0.2
GROUP = 16


def text_ids(tokenizer: Any, tokens: int) -> Any:
    draw = np.random.default_rng(0)
    grams, words = Lexicon.load("paper").phrases, " ".join(TEXT).split()
    said = [
        grams[draw.integers(len(grams))] if draw.random() < 0.02 else words[draw.integers(len(words))]
        for _ in range(50_000)
    ]
    return np.resize(np.array(tokenizer.encode(" ".join(said)).ids, np.int64), tokens)


def rollouts(tokenizer: Any, rows: int, width: int) -> VerlRows:
    draw = np.random.default_rng(1)
    length = draw.integers(width // 4, width, rows)
    live = np.arange(width) < length[:, None]
    return VerlRows(
        ids=np.where(live, text_ids(tokenizer, rows * width).reshape(rows, width), 0), inside=live, written=live, live=live,
        advantages=np.where(live, draw.normal(size=(rows, 1)).astype(np.float32), np.float32(0)),
        scores=draw.integers(0, 2, rows).astype(float), verdicts=np.full(rows, np.nan),
        uids=[f"prompt {row // GROUP}" for row in range(rows)], last=np.ones(rows, np.bool_),
        entropies=draw.random((rows, width), np.float32), logprobs=-draw.random((rows, width), np.float32),
    )  # fmt: skip


def measure(rows: int, width: int) -> dict[str, Any]:
    tokenizer = byte_level([*TEXT, *Lexicon.load("paper").phrases], size=4000)
    tokenizer.eos_token_id = tokenizer.token_to_id("<eos>")
    batch = rollouts(tokenizer, rows, width)
    one, all_cores = (Credit(Section.read({"method": "hicra", "threads": threads}), tokenizer) for threads in (1, None))

    def step(credit: Credit) -> dict[str, float]:
        credit(batch)
        return credit.logged()

    def seconds(credit: Credit, clock: Callable[[], float]) -> float:
        step(credit)
        began = clock()
        step(credit)
        return clock() - began

    cpu, wall, tokens = seconds(one, time.process_time), seconds(all_cores, time.perf_counter), int(batch.live.sum())
    return {
        "rows": rows, "width": width, "tokens": tokens, "planning_share": round(step(one)["hicra/planning_share"], 4),
        "cpu_seconds": round(cpu, 3), "cpu_seconds_per_million_tokens": round(cpu / tokens * 1e6, 4),
        "share_of_a_60_s_step": round(cpu / 60, 5),
        "threads": all_cores.threads, "wall_seconds": round(wall, 3), "wall_share_of_a_60_s_step": round(wall / 60, 5),
        "memory": peak_memory(lambda: step(all_cores), batch.ids.nbytes),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    found = {}
    for name in given.sizes:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        found[name] = measure(*SIZES[name])
    report = {
        "claim": __doc__.splitlines()[0].removeprefix("Claim: "), **machine("tokenizers"),
        "most_cpu_seconds_per_million_tokens": MOST_SECONDS, "sizes": found,
        "holds": all(one["cpu_seconds_per_million_tokens"] <= MOST_SECONDS for one in found.values()),
    }  # fmt: skip
    return finish(report, given.output)


if __name__ == "__main__":
    sys.exit(main())
