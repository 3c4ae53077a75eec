"""Claim: tagging rollouts while they grow takes at least 200,000 tokens a CPU-second one token a call, and more in larger pieces.

    python benchmarks/bench_tagger_stream.py --data DIR -o benchmarks/baselines/bench_tagger_stream.json

DIR holds real solutions as .jsonl.gz. One process, CPU time, --rows real traces side by side, the first --width tokens of each.
`StreamTagger` gets pieces of 1, 4, 16 and 256 tokens of all rows a call; `InterleavedTagger` gets the same pieces one rollout a
call, as an async engine hands them over. `cold` is the first pass of a new tagger, which has everything still to learn, `warm`
the best of --rounds later ones over the same traces. On other traces (`unseen`) a tagger that has learnt from the first ones
shows what is left to learn in the long run; the claim rests on these. Each mask must be that of `Tagger.mask` in one go.

Baselines, in the same run: `Tagger.mask` of everything so far at each call (what one would do without a stream; over the first
--again tokens, since it is quadratic), and one call of `Tagger.mask` for all.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra import Lexicon, Tagger, corpus
from hicra.tagging import InterleavedTagger, StreamTagger
from machine import finish, machine
from real_tokenizers import real_tokenizers

PIECES = (1, 4, 16, 256)
AIM = 200_000


def in_step(tagger: Tagger, ids: Any, piece: int) -> tuple[float, Any]:
    """CPU seconds and mask of a batch that grows in step."""
    live, parts = np.ones(ids.shape, np.bool_), [list[Any]() for _ in ids]
    begin = time.process_time()
    stream = StreamTagger(tagger, len(ids))
    for at in range(0, ids.shape[1], piece):
        for row, mask in zip(parts, stream.feed(ids[:, at : at + piece], live[:, at : at + piece]), strict=True):
            row.append(mask)
    for row, mask in zip(parts, stream.finish(), strict=True):
        row.append(mask)
    return time.process_time() - begin, np.array([np.concatenate(row) for row in parts])


def interleaved(tagger: Tagger, ids: Any, piece: int) -> tuple[float, Any]:
    """CPU seconds and mask of rollouts that grow one after another, by lists of ids as an engine has them."""
    rows, parts = ids.tolist(), [list[Any]() for _ in ids]
    begin = time.process_time()
    stream = InterleavedTagger(tagger)
    for at in range(0, ids.shape[1], piece):
        for key, row in enumerate(rows):
            parts[key].append(stream.feed(key, row[at : at + piece]))
    for key in range(len(rows)):
        parts[key].append(stream.finish(key))
    return time.process_time() - begin, np.array([np.concatenate(row) for row in parts])


def anew(tagger: Tagger, ids: Any) -> float:
    """CPU seconds of tagging everything so far after each token."""
    begin = time.process_time()
    for stop in range(1, ids.shape[1] + 1):
        tagger.mask(ids[:, :stop], np.ones((len(ids), stop), np.bool_))
    return time.process_time() - begin


def one_go(tagger: Tagger, ids: Any, rounds: int) -> tuple[float, Any]:
    """CPU seconds of the best of some calls of `Tagger.mask`, and the mask."""
    live, seconds, mask = np.ones(ids.shape, np.bool_), [], None
    for _ in range(rounds + 1):
        begin = time.process_time()
        mask = tagger.mask(ids, live)
        seconds.append(time.process_time() - begin)
    return min(seconds[1:]), mask


def measured(
    way: Callable[..., tuple[float, Any]], make: Callable[[], Tagger], seen: Any, unseen: Any, right: Any, given: Any
) -> list[dict[str, Any]]:
    """A row for each size of piece."""
    rows = []
    for piece in PIECES:
        tagger = make()
        cold, mask = way(tagger, seen, piece)
        equal = bool((mask == right).all())
        later, _ = way(tagger, unseen, piece)
        warm = min(way(tagger, seen, piece)[0] for _ in range(given.rounds))
        rows.append(
            {"way": way.__name__, "piece": piece, "rows": len(seen), "tokens": int(seen.size), "same_mask": equal}
        )
        rates = {"cold": seen.size / cold, "unseen": unseen.size / later, "warm": seen.size / warm}
        rows[-1] |= {f"{name}_tokens_per_cpu_s": round(rate) for name, rate in rates.items()}
        print(rows[-1], flush=True)
    return rows


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "solutions_long")
    options.add_argument("-o", "--out", type=Path, help="write the result here")
    options.add_argument("--rows", type=int, default=32)
    options.add_argument("--width", type=int, default=2048)
    options.add_argument("--again", type=int, default=64, help="tokens a row that the quadratic baseline sees")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--lexicon", default="planning")
    given = options.parse_args()
    texts = corpus.read(given.data).rows["response"].to_list()
    family, origin, tokenizer = real_tokenizers(texts[:256])[0]
    tokenizer.no_truncation()
    encoded = (one.ids[: given.width] for one in tokenizer.encode_batch(texts, add_special_tokens=False))
    whole = np.array([row for row in encoded if len(row) == given.width])
    if len(whole) < 2 * given.rows:
        sys.exit(f"{len(whole)} traces have {given.width} tokens, {2 * given.rows} are needed: lower --rows or --width")
    seen, unseen = whole[: given.rows], whole[-given.rows :]
    lexicon = Lexicon.load(given.lexicon)
    results = []
    for unit in ("gram", "sentence"):
        tagger = Tagger(lexicon, tokenizer, unit)
        at_once, right = one_go(tagger, seen, given.rounds)
        few = np.ascontiguousarray(seen[:, : given.again])
        again = anew(tagger, few)
        short, _ = in_step(tagger, few, 1)
        rows = [
            row
            for way in (in_step, interleaved)
            for row in measured(way, lambda u=unit: Tagger(lexicon, tokenizer, u), seen, unseen, right, given)
        ]
        results.append(
            {
                "unit": unit,
                "one_go_tokens_per_cpu_s": round(seen.size / at_once),
                "anew_tokens": int(few.size),
                "anew_tokens_per_cpu_s": round(few.size / again),
                "faster_than_anew": round(again / short, 1),
                "results": rows,
            }
        )
    every = [row for one in results for row in one["results"]]
    single = [row for row in every if row["piece"] == 1]
    report = {
        **machine("tokenizers"),
        "tokenizer": origin,
        "family": family,
        "lexicon": lexicon.name,
        "grams": len(lexicon.phrases),
        "aim_tokens_per_cpu_s": AIM,
        "units": results,
        "lowest_one_token_a_call": {
            name: min(row[f"{name}_tokens_per_cpu_s"] for row in single) for name in ("cold", "unseen", "warm")
        },
    }
    larger = all(row["unseen_tokens_per_cpu_s"] >= AIM for row in every)
    report["holds"] = all(row["same_mask"] for row in every) and larger
    return finish(report, given.out)


if __name__ == "__main__":
    sys.exit(main())
