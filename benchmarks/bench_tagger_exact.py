"""Claim: the tagger marks exactly the tokens that the slow reference marks (precision = recall = 1).

    python benchmarks/bench_tagger_exact.py --data DIR        DIR holds .jsonl.gz files of real solutions

300 real traces x tokenizers of 3 families x (249, 1000) grams: the paper's list, and the list with the 751 most frequent
n-grams of the traces. Tokenizers: real_tokenizers.py. The reference is tests/support/reference_tagger.py, which shares no code
with hicra. Rates are tokens per CPU-second of one thread; bench_tagger.py has the ones to quote.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
sys.path.insert(0, str(ROOT / "benchmarks"))

from tokenizers import Tokenizer

from hicra import Lexicon, Tagger, corpus
from hicra.mining.mine import mine
from hicra.mining.settings import preset
from machine import machine
from real_tokenizers import real_tokenizers
from reference_tagger import mask as slow_mask
from tokenizers_made import pieces

TRACES, MORE = 300, 751


def spelled(tokenizer: Tokenizer, family: str) -> dict[int, bytes | None]:
    """id -> bytes, None for special tokens; spelled out by the tests, not by hicra."""
    added = json.loads(tokenizer.to_str())["added_tokens"]
    return pieces(tokenizer, family, [token["content"] for token in added if token["special"]])


def compare(tokenizer: Tokenizer, family: str, lexicon: Lexicon, texts: list[str]) -> dict[str, float]:
    """Counts of tokens marked by both, by one alone, and the CPU rates of both."""
    rows = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    width = max(map(len, rows))
    ids = np.zeros((len(rows), width), np.int64)
    live = np.arange(width) < np.array([len(row) for row in rows])[:, None]
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
    hole = np.random.default_rng(0).integers(0, width, len(rows))
    live &= ~((np.arange(width) >= hole[:, None]) & (np.arange(width) < hole[:, None] + 20))  # tool output inside
    tagger = Tagger(lexicon, tokenizer)
    begin = time.process_time()
    fast = tagger.mask(ids, live)
    fast_s = time.process_time() - begin
    table = spelled(tokenizer, family)
    begin = time.process_time()
    slow = np.zeros_like(fast)
    for index, row in enumerate(rows):
        n = len(row)
        slow[index, :n] = slow_mask([table[i] for i in row], live[index, :n], lexicon.phrases)
    slow_s = time.process_time() - begin
    both, tokens = int((fast & slow).sum()), int(live.sum())
    return {
        "tokens": tokens,
        "planning": int(slow.sum()),
        "precision": both / max(1, int(fast.sum())),
        "recall": both / max(1, int(slow.sum())),
        "tokens_per_cpu_s": tokens / max(fast_s, 1e-9),
        "reference_tokens_per_cpu_s": tokens / max(slow_s, 1e-9),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "solutions_long")
    options.add_argument("--traces", type=int, default=TRACES)
    given = options.parse_args()
    rows = corpus.read(given.data).rows
    step = max(1, rows.height // given.traces)
    texts = rows["response"].to_list()[::step][: given.traces]
    frequent = mine(texts, preset("paper", {"embedder": "hashing", "top_clusters": 1.0})).table
    ranked = frequent.sort(["doc_freq", "gram"], descending=[True, False])["gram"].to_list()
    paper = Lexicon.load("paper")
    more = [gram for gram in ranked if gram not in set(paper.phrases)][:MORE]
    lexicons = {"249": paper, "1000": Lexicon.from_phrases([*paper.phrases, *more], name="1000")}
    results = []
    for family, origin, tokenizer in real_tokenizers(texts):
        for size, lexicon in lexicons.items():
            found = compare(tokenizer, family, lexicon, texts)
            results.append({"family": family, "tokenizer": origin, "grams": len(lexicon), **found})
            print(family, origin, size, {key: round(value, 4) for key, value in found.items()}, flush=True)
    out = ROOT / "benchmarks" / "baselines" / "bench_tagger_exact.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps({**machine(), "traces": len(texts), "results": results}, indent=2) + "\n")
    if any(result["precision"] < 1 or result["recall"] < 1 for result in results):
        sys.exit("the tagger and the reference differ")


if __name__ == "__main__":
    main()
