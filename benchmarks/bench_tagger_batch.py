"""Claim: one call of `Tagger.mask` on 4,096 rollouts of 8,192 tokens uses both cores, and its memory does not grow with the rows.

    python benchmarks/bench_tagger_batch.py --data DIR -o benchmarks/baselines/bench_tagger_batch.json

DIR holds real solutions as .jsonl.gz.
The batch is full: real traces, one after another, cut into rows of --width tokens (padding would be cheaper), and repeated
until there are --rows of them. In interleaved rounds the same batch is tagged with one thread, which is the baseline, and with
each number of --threads; the masks must be equal. Memory is what one call needs above the batch and its mask, measured on a
quarter of the rows and on all of them. `share_of_step` is against a step of --step-s seconds; the aim of 0.5 % is said, not
claimed, since it hangs on the number of cores.

Times are of the wall clock, as a trainer waits for them: run it on a quiet machine (`load_average` says how quiet it was).
"""

from __future__ import annotations

import os

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra import Lexicon, Tagger, corpus
from machine import finish, machine
from real_tokenizers import real_tokenizers
from tagging_measure import peak_memory

AIM = 0.005  # of the step
SLACK = 1.25  # by which the memory of all rows may exceed that of a quarter, since pages of the allocator come in lumps


def full_batch(tokenizer: Any, texts: list[str], rows: int, width: int) -> Any:
    """[B,T] int64: the traces one after another, cut into rows, repeated until there are enough."""
    encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
    ids = np.concatenate([np.array(one.ids, np.int64) for one in encoded])
    if len(ids) < width:
        sys.exit(f"the traces have {len(ids)} tokens together, a row has {width}")
    return np.resize(ids[: len(ids) // width * width].reshape(-1, width), (rows, width))


def timed(
    taggers: dict[int, Tagger], ids: Any, live: Any, rounds: int
) -> tuple[dict[int, list[tuple[float, float]]], bool]:
    """(wall, CPU) seconds of every round by number of threads, and whether all masks are equal."""
    seconds: dict[int, list[tuple[float, float]]] = {threads: [] for threads in taggers}
    equal, first = True, None
    for _ in range(rounds):
        for threads, tagger in taggers.items():
            wall, cpu = time.perf_counter(), time.process_time()
            mask = tagger.mask(ids, live)
            seconds[threads].append((time.perf_counter() - wall, time.process_time() - cpu))
            first = mask if first is None else first
            equal = equal and np.array_equal(first, mask)
    return seconds, equal


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "solutions_long")
    options.add_argument("-o", "--out", type=Path, help="write the result here")
    options.add_argument("--rows", type=int, default=4096)
    options.add_argument("--width", type=int, default=8192)
    options.add_argument("--threads", type=int, nargs="+", default=[2], help="numbers of threads beside one")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--step-s", type=float, default=60.0)
    options.add_argument("--lexicon", default="planning")
    given = options.parse_args()
    texts = corpus.read(given.data).rows["response"].to_list()
    family, origin, tokenizer = real_tokenizers(texts[:256])[0]
    tokenizer.no_truncation()
    ids = full_batch(tokenizer, texts, given.rows, given.width)
    live = np.ones(ids.shape, np.bool_)
    lexicon = Lexicon.load(given.lexicon)
    taggers = {threads: Tagger(lexicon, tokenizer) for threads in dict.fromkeys([1, *given.threads])}
    for threads, tagger in taggers.items():
        tagger.threads = threads
    most = max(taggers)
    for tagger in taggers.values():
        tagger.mask(ids[:64], live[:64])
    memory = []
    for rows in (given.rows // 4, given.rows):
        part, on = ids[:rows], live[:rows]
        needed = peak_memory(lambda i=part, o=on: taggers[most].mask(i, o), part.nbytes + on.nbytes)
        above = {key: needed[key] - on.nbytes for key in ("resident_peak_bytes", "traced_peak_bytes") if key in needed}
        memory.append(
            {"rows": rows, "threads": most, "batch_bytes": part.nbytes + on.nbytes, "above_batch_and_mask": above}
        )
        print(memory[-1], flush=True)
    seconds, equal = timed(taggers, ids, live, given.rounds)
    rows = []
    for threads, each in seconds.items():
        best, median = min(wall for wall, _ in each), float(np.median([wall for wall, _ in each]))
        rows.append(
            {
                "threads": threads,
                "best_s": round(best, 3),
                "median_s": round(median, 3),
                "median_cpu_s": round(float(np.median([cpu for _, cpu in each])), 3),
                "tokens_per_s": round(ids.size / best),
                "median_tokens_per_s": round(ids.size / median),
                "share_of_step": round(median / given.step_s, 5),
                "faster_than_one_thread": round(float(np.median([wall for wall, _ in seconds[1]])) / median, 2),
            }
        )
    small, large = (each["above_batch_and_mask"]["traced_peak_bytes"] for each in memory)
    result = {
        **machine("tokenizers"),
        "tokenizer": origin,
        "family": family,
        "lexicon": lexicon.name,
        "grams": len(lexicon.phrases),
        "unit": "gram",
        "rows": given.rows,
        "width": given.width,
        "tokens": int(ids.size),
        "rounds": given.rounds,
        "step_s": given.step_s,
        "results": rows,
        "memory": memory,
        "masks_equal": equal,
        "memory_grows_with_rows": large > SLACK * small,
        "aim_share_of_step": AIM,
        "aim_reached": rows[-1]["share_of_step"] <= AIM,
    }
    result["holds"] = bool(equal and not result["memory_grows_with_rows"] and rows[-1]["faster_than_one_thread"] > 1)
    return finish(result, given.out)


if __name__ == "__main__":
    sys.exit(main())
