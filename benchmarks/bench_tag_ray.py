"""Claim: `hicra tag` and `hicra diagnose` on Ray give the bytes and numbers of this machine alone, and this is what that costs.

    python benchmarks/bench_tag_ray.py --data DIR -o benchmarks/baselines/bench_tag_ray.json

DIR holds real solutions as .jsonl.gz; --rows of them (repeated where there are fewer) are written as JSON Lines with steps, and
tagged and diagnosed with one process here (the baseline), with two here, and with two workers of a Ray that is started once
before. Wall seconds of each, in one run; `read_s` is what reading takes by itself, which this process does alone whatever the
backend, so no number of workers makes the whole faster than that.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra import Lexicon, corpus
from hicra.diagnose.diagnose import diagnose
from hicra.tagging import tag_paths
from hicra.workers.cluster import cluster
from machine import finish, machine

STEPS = 20
READ: dict[str, Any] = {"on_bad": "stop", "max_bad": 0.01, "tokenizer": None, "unit": None}


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """Wall seconds of a call, and what it returned."""
    begin = time.perf_counter()
    out = call()
    return round(time.perf_counter() - begin, 2), out


def read_twice(path: Path) -> int:
    """Reads as tagging does: one pass to judge every line and learn the types, one for the rows."""
    return sum(frame.height for frame in corpus.batches([path], size=1024, size_bytes=2**22))


def tagged(path: Path, lexicon: Lexicon, out: Path, **where: Any) -> str:
    """The hash of the tagged file."""
    tag_paths([path], lexicon, out=out, **READ, **where)
    return hashlib.sha256(out.read_bytes()).hexdigest()


def diagnosed(path: Path, lexicon: Lexicon, **where: Any) -> str:
    """The numbers of a diagnosis, as JSON."""
    return json.dumps(diagnose([path], lexicon, out=None, **READ, **where)["steps"])


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "solutions_long")
    options.add_argument("-o", "--out", type=Path, help="write the result here")
    options.add_argument("--rows", type=int, default=10_000)
    options.add_argument("--lexicon", default="planning")
    given = options.parse_args()
    texts = corpus.read(given.data).rows["response"].to_list()
    lexicon = Lexicon.load(given.lexicon)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "rollouts.jsonl"
        rows = ({"response": texts[at % len(texts)], "step": at * STEPS // given.rows + 1} for at in range(given.rows))
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        report: dict[str, Any] = {
            **machine("ray", "polars"),
            "rows": given.rows,
            "bytes": path.stat().st_size,
            "steps": STEPS,
        }
        report["read_s"], _ = seconds(lambda: read_twice(path))
        results, found = [], {"tag": set[str](), "diagnose": set[str]()}
        begin = time.perf_counter()
        with cluster(2):
            report["ray_start_s"] = round(time.perf_counter() - begin, 2)
            for backend, workers in (("local", 1), ("local", 2), ("ray", 2)):
                where = {"backend": backend, "workers": workers}
                out = folder / f"{backend}{workers}.parquet"
                tag_s, digest = seconds(lambda o=out, w=where: tagged(path, lexicon, o, **w))
                diagnose_s, numbers = seconds(lambda w=where: diagnosed(path, lexicon, **w))
                found["tag"].add(digest)
                found["diagnose"].add(numbers)
                results.append({**where, "tag_s": tag_s, "diagnose_s": diagnose_s})
                print(results[-1], flush=True)
    for row in results:
        row |= {f"{verb}_against_one_process": round(results[0][f"{verb}_s"] / row[f"{verb}_s"], 2) for verb in found}
    report |= {"results": results, "same_bytes": len(found["tag"]) == 1, "same_numbers": len(found["diagnose"]) == 1}
    report["holds"] = report["same_bytes"] and report["same_numbers"]
    return finish(report, given.out)


if __name__ == "__main__":
    sys.exit(main())
