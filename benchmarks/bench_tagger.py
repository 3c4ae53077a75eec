"""Claim: the tagger is exact, at 10 M tokens a second on one thread with 249 and 1,000 grams, and at over half that with 100,000.

    python benchmarks/bench_tagger.py --data DIR -o benchmarks/baselines/bench_tagger.json     DIR: real solutions, .jsonl.gz

One run, one thread, process CPU time, one batch as an RL step has it: 256 real traces, up to 4,096 tokens each, padded on
the right (a sample of the traces; with 249 and 1,000 grams also the 256 longest, which leave less padding). Every tagger gets
the same ids and grams. Quick ones tag the whole batch, warm, in interleaved rounds (best, median and worst are kept). Slow
ones get the longest beginning of the batch that fits their time budget; `tokens` says how many tokens they saw. Rates count
the policy's tokens, not the padding; building is apart. Precision and recall are over the beginning of the batch, against
tests/support/reference_tagger.py, which shares no code with hicra or the baselines.

Baselines: tagging_baselines.py (exact: regex, Aho-Corasick by three packages; token ids) and tagging_peers.py (the rules of
public HICRA implementations). Those whose package is missing are left out by name. With the other tokenizers
(real_tokenizers.py) only the byte matchers run beside hicra.

Also here: peak memory of one call as a multiple of the batch, where the time goes (cProfile, by hicra's own functions and by
C call), and the streaming tagger on 32 rows at a time, fed in pieces of 1, 16 and 256 tokens.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
sys.path.insert(0, str(ROOT / "benchmarks"))

from bench_tagger_exact import spelled
from hicra import Lexicon, Tagger, corpus
from hicra.errors import HicraError
from machine import machine
from real_tokenizers import real_tokenizers
from reference_tagger import mask as slow_mask
from tagging_baselines import BYTES, EXACT, IdMatcher, installed
from tagging_grams import gram_lists
from tagging_measure import Rate, peak_memory, prefix_rate, profiled, rounds, streamed
from tagging_peers import PEERS

SIZES = (100, 249, 1_000, 10_000, 100_000)
MOST_GRAMS = {"AlternationRegex": 10_000, "TrieRegex": 10_000}  # compiling more takes minutes
NOT_HERE = "left out"
AT_THE_CUT = 16  # tokens before a cut through a row, where a gram may go on


class Where(NamedTuple):
    """A tokenizer, its bytes by id, and a batch."""

    family: str
    origin: str
    rows: str  # which traces
    tokenizer: Any
    table: Any
    ids: Any
    live: Any
    main: bool  # whether all the baselines run


class Hicra:
    """The tagger under test, behind the baselines' face."""

    name = "hicra Tagger.mask"

    def __init__(self, grams: list[str], table: Any, tokenizer: Any) -> None:
        self.tagger = Tagger(Lexicon.from_phrases(grams, name=str(len(grams))), tokenizer)

    def find(self, ids: Any, live: Any) -> Any:
        return self.tagger.mask(ids, live)


def batch(tokenizer: Any, texts: list[str], width: int) -> tuple[Any, Any]:
    """(ids [B,T], policy tokens [B,T]): one row a text, cut at `width`, padded on the right."""
    rows = [code.ids[:width] for code in tokenizer.encode_batch(texts, add_special_tokens=False)]
    rows = [row for row in rows if row]
    live = np.arange(max(map(len, rows))) < np.array([len(row) for row in rows])[:, None]
    ids = np.zeros(live.shape, np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
    return ids, live


def reference(where: Where, grams: list[str], seconds: float) -> Any:
    """[R,T] masks of the first R rows, as many as fit the time."""
    end, masks = time.process_time() + seconds, []
    for row, here in zip(where.ids, where.live, strict=True):
        length = int(here.sum())
        masks.append(np.zeros(len(row), np.bool_))
        masks[-1][:length] = slow_mask([where.table[i] for i in row[:length]], here[:length], grams)
        if time.process_time() > end:
            break
    return np.array(masks)


def judged(mask: Any, right: Any, live: Any, tokens: int) -> dict[str, Any]:
    """Precision and recall over the tokens that reference and tagger both saw; the last ones before a cut do not count."""
    seen = live[: len(right)].copy()
    if tokens < live.sum():
        order = np.cumsum(live).reshape(live.shape)
        seen &= order[: len(right)] <= tokens - AT_THE_CUT
    mask, right = mask[: len(right)] & seen, right & seen
    both = int((mask & right).sum())
    return {
        "judged_tokens": int(seen.sum()),
        "precision": both / int(mask.sum()) if mask.any() else None,
        "recall": both / int(right.sum()) if right.any() else None,
        "marked_share": float(mask.sum() / max(1, seen.sum())),
    }


def one_size(where: Where, grams: list[str], given: argparse.Namespace) -> list[dict[str, Any]]:
    """Every tagger on one batch with one list of grams."""
    family, origin, rows_of, tokenizer, table, ids, live, _ = where
    right = reference(where, grams, given.reference_s)
    kinds = [Hicra] if given.hicra_only else [Hicra, *EXACT, IdMatcher, *PEERS] if where.main else [Hicra, *BYTES]
    rates: dict[str, Rate] = {}
    quick, rows = {}, []
    for kind in kinds:
        row: dict[str, Any] = {"family": family, "tokenizer": origin, "rows": rows_of, "grams": len(grams)}
        row["tagger"] = kind.name
        rows.append(row)
        if not installed(kind):
            row[NOT_HERE] = f"pip install {kind.engine}"
            continue
        if len(grams) > MOST_GRAMS.get(kind.__name__, len(grams)):
            row[NOT_HERE] = f"only up to {MOST_GRAMS[kind.__name__]:,} grams: building takes minutes"
            continue
        begin = time.process_time()
        try:
            tagger = kind(grams, table, tokenizer)
        except HicraError as error:
            row[NOT_HERE] = f"refused: {error}"
            continue
        row["build_s"] = round(time.process_time() - begin, 4)
        mask, rates[kind.name] = prefix_rate(tagger, ids, live, given.budget_s)
        row |= judged(mask, right, live, rates[kind.name].tokens)
        if rates[kind.name].tokens == int(live.sum()):
            quick[kind.name] = tagger
    rates |= rounds(quick, ids, live, given.rounds, given.budget_s)
    hicra = rates[Hicra.name].best if Hicra.name in rates else float("nan")
    for row in rows:
        if row["tagger"] in rates:
            row |= rates[row["tagger"]].as_row() | {"hicra_is_faster_by": round(hicra / rates[row["tagger"]].best, 2)}
        show(row)
    return rows


def show(row: dict[str, Any]) -> None:
    head = f"  {row['tagger']:<48}"
    if NOT_HERE in row:
        print(f"{head} {NOT_HERE}: {row[NOT_HERE]}", flush=True)
        return
    worth = [f"{row[key]:.4f}" if row[key] is not None else "-" for key in ("precision", "recall")]
    rate, ratio = row["tokens_per_cpu_s"], row["hicra_is_faster_by"]
    print(
        f"{head} {rate:>12,.0f} tok/s  x{ratio:<9,.2f} {worth[0]:>7} {worth[1]:>7}  {row['tokens']:,} tokens",
        flush=True,
    )


def about(where: Where) -> dict[str, Any]:
    """The batch in figures."""
    ids, live = where.ids, where.live
    return {
        "family": where.family,
        "tokenizer": where.origin,
        "traces": where.rows,
        "rows": len(ids),
        "width": ids.shape[1],
        "tokens": int(live.sum()),
        "padding_share": round(1 - float(live.mean()), 3),
        "bytes": ids.nbytes + live.nbytes,
    }


def alone(where: Where, size: int, grams: list[str], given: argparse.Namespace, result: dict[str, Any]) -> None:
    """What is measured of hicra only: memory, profile, streaming."""
    ids, live = where.ids, where.live
    tagger = Hicra(grams, where.table, where.tokenizer)

    def call() -> Any:
        return tagger.find(ids, live)

    result["memory"].append({"grams": len(grams), **peak_memory(call, ids.nbytes + live.nbytes)})
    print("  memory", result["memory"][-1], flush=True)
    if size in (249, 1_000):
        result["profile"][str(len(grams))] = profiled(call, min(given.rounds, 7))
        for row in streamed(tagger.tagger, ids, live, grams=len(grams), seconds=given.budget_s):
            result["streaming"].append(row)
            print("  streaming", row, flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "solutions_long")
    options.add_argument("-o", "--out", type=Path, help="write the result here")
    options.add_argument("--rows", type=int, default=256)
    options.add_argument("--width", type=int, default=4096)
    options.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    options.add_argument("--rounds", type=int, default=15, help="interleaved repeats of the quick taggers")
    options.add_argument("--budget-s", type=float, default=2.5, help="CPU seconds a slow tagger may take at each size")
    options.add_argument(
        "--reference-s", type=float, default=4.0, help="CPU seconds for the slow reference at each size"
    )
    options.add_argument("--hicra-only", action="store_true", help="leave all baselines out")
    given = options.parse_args()
    begin = time.perf_counter()
    texts = corpus.read(given.data).rows["response"].to_list()
    lists = gram_lists(texts, Lexicon.load("paper").phrases, given.sizes)
    sample = texts[:: max(1, len(texts) // given.rows)][: given.rows]
    longest = sorted(texts, key=len)[-given.rows :]
    print(f"{len(sample)} traces, gram lists of {[len(grams) for grams in lists.values()]}", flush=True)
    result: dict[str, Any] = {
        **machine(*[n for n in ("tokenizers", "pyahocorasick", "daachorse", "ahocorasick-rs") if _has(n)])
    }
    result |= {"batches": [], "results": [], "memory": [], "profile": {}, "streaming": []}
    cases = [(real, "sample", sample) for real in real_tokenizers(sample)]
    cases.insert(1, (cases[0][0], "longest", longest))
    for number, ((family, origin, tokenizer), rows, chosen) in enumerate(cases):
        tokenizer.no_truncation()
        pieces = spelled(tokenizer, family)
        table = [pieces.get(i) for i in range(max(pieces) + 1)]
        where = Where(family, origin, rows, tokenizer, table, *batch(tokenizer, chosen, given.width), main=number == 0)
        result["batches"].append(about(where))
        print(json.dumps(result["batches"][-1]), flush=True)
        for size, grams in lists.items():
            if not where.main and size not in (249, 1_000):
                continue
            print(f"{origin}, {rows} rows, {len(grams):,} grams [{time.perf_counter() - begin:.0f} s]", flush=True)
            result["results"] += one_size(where, grams, given)
            if where.main:
                alone(where, size, grams, given, result)
    result["wall_s"] = round(time.perf_counter() - begin, 1)
    print(json.dumps({key: result[key] for key in ("profile", "streaming")}, indent=1))
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n")
    verdict(result["results"])


def verdict(rows: list[dict[str, Any]]) -> None:
    """Says whether the claim holds; a hicra mask that differs from the reference is an error."""
    mine = [row for row in rows if row["tagger"] == Hicra.name and NOT_HERE not in row]
    wrong = [row for row in mine if row["precision"] != 1 or row["recall"] != 1]
    slow = [row for row in mine if row["grams"] in (249, 1_000) and row["tokenizer"] == mine[0]["tokenizer"]]
    rate = min((row["tokens_per_cpu_s"] for row in slow), default=0.0)
    print(f"10 M tokens a second at 249 and 1,000 grams: {'yes' if rate >= 1e7 else 'no'} ({rate / 1e6:.1f} M)")
    print(f"precision = recall = 1 everywhere: {'no' if wrong else 'yes'}")
    if wrong:
        sys.exit("the tagger and the reference differ")


def _has(package: str) -> bool:
    import importlib.metadata

    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    main()
