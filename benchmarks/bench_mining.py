"""Claims: mining time grows linearly, 100,000 solutions fit in 4 GiB, 1,000 real ones take at most 40 CPU-seconds with
minilm, and Ray gives the bytes of the local backend.

    python benchmarks/bench_mining.py --data DIR -o benchmarks/baselines/bench_mining.json

DIR holds .jsonl.gz files of real solutions. The big corpora are made here, streamed to temporary files: sentences of the
real correct solutions, drawn at random up to the length of a real one; three in ten are two halves of different sentences,
and one word in twenty is another real word, so that new n-grams keep turning up. Each run is a process of its own, so that
the peak memory is its own (without that of its workers). CPU-seconds are those of all its processes, by stage; for Ray only
those of the leading process are known, so its wall clock stands beside that of the local backend.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from machine import machine

SIZES = (1_000, 10_000, 100_000)
SPLICED, REPLACED = 0.3, 20
LIMIT_RSS_MB, LIMIT_CPU_S = 4096, 40
LINEAR = 1.5  # largest ratio of cost per word between sizes
RAY_SOLUTIONS = 5_000
_SENTENCE = re.compile(r"(?<=[.?!:])\s+|\n+")


def real_solutions(data: Path) -> list[dict[str, Any]]:
    """The correct solutions below a folder, in order."""
    from hicra import corpus

    frame = corpus.read(sorted(data.glob("*.jsonl.gz"))).rows
    return [row for row in frame.select("response", "question", "correct").iter_rows(named=True) if row["correct"]]


def write_made(path: Path, real: list[dict[str, Any]], size: int, seed: int = 0) -> None:
    """`size` solutions of recombined real sentences, four to a question, line by line."""
    draw = random.Random(seed)
    sentences = [[piece for piece in _SENTENCE.split(row["response"]) if piece.strip()] for row in real]
    lengths = [len(row["response"]) for row in real]
    pool = [piece for each in sentences for piece in each]
    words = [word for piece in pool for word in piece.split()]
    with open(path, "w", encoding="utf-8") as file:
        for number in range(size):
            pieces, left = [], draw.choice(lengths)
            while left > 0:
                piece = draw.choice(pool).split()
                if draw.random() < SPLICED:
                    second = draw.choice(pool).split()
                    piece = piece[: (len(piece) + 1) // 2] + second[len(second) // 2 :]
                for _ in range(len(piece) // REPLACED + (draw.random() * REPLACED < len(piece) % REPLACED)):
                    piece[draw.randrange(len(piece))] = draw.choice(words)
                pieces.append(" ".join(piece))
                left -= len(pieces[-1]) + 1
            row = {"response": "\n".join(pieces), "question": f"question {number // 4}", "correct": True}
            file.write(json.dumps(row) + "\n")


def write_real(path: Path, real: list[dict[str, Any]], size: int) -> None:
    """`size` real solutions, drawn at random."""
    rows = random.Random(0).sample(real, size)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def cpu() -> float:
    """CPU-seconds of this process and of its ended children."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Timed:
    """A backend that notes what each of its stages takes, (CPU-seconds, seconds)."""

    def __init__(self, backend: Any) -> None:
        self.backend, self.spent = backend, {"load": (0.0, 0.0), "count": (0.0, 0.0), "holders": (0.0, 0.0)}

    def _timed(self, stage: str, call: Callable[[], Any]) -> Any:
        begin, start = cpu(), time.perf_counter()
        result = call()
        before = self.spent[stage]
        self.spent[stage] = (before[0] + cpu() - begin, before[1] + time.perf_counter() - start)
        return result

    def load_paths(self, *given: Any) -> Any:
        return self._timed("load", lambda: self.backend.load_paths(*given))

    def count(self, rule: Any) -> Any:
        return self._timed("count", lambda: self.backend.count(rule))

    def holders(self, *given: Any, **named: Any) -> Any:
        return self._timed("holders", lambda: self.backend.holders(*given, **named))


def one(path: Path, embedder: str, backend: str, workers: int) -> dict[str, Any]:
    """One run in this process: stages, peak memory, and the sha256 of the table."""
    from hicra.lexicon import Lexicon
    from hicra.mining.counting.open import open_backend
    from hicra.mining.counting.rows import Reading
    from hicra.mining.mine import checked, mine_loaded, peak_rss_mb
    from hicra.mining.settings import preset

    settings = checked(preset("paper", {"embedder": embedder}))  # as the kept baseline was
    imported, start = cpu(), time.perf_counter()
    held = open_backend(backend, workers)
    opened = time.perf_counter() - start
    timed = Timed(held)
    loaded, _ = timed.load_paths(path, Reading())
    result = mine_loaded(timed, loaded, settings)
    spilled = getattr(held, "spilled", None)
    wall = time.perf_counter() - start
    held.close()
    total = cpu()  # the workers are counted from here on
    stages = {name: round(spent[0], 2) for name, spent in timed.spent.items()}
    stages = {"imports": round(imported, 2), **stages}
    stages["embed_and_cluster"] = round(total - sum(stages.values()), 2)
    if workers > 1:
        stages = {}  # the workers' share comes at the end, in one sum
    lexicon = Lexicon.from_table(result.table, name="bench", settings=result.settings, statistics=result.statistics)
    keys = ("solutions", "words", "ngrams", "ngrams_min_df", "ngrams_over_limit", "embedded", "clusters", "grams")
    return {
        "backend": backend,
        "workers": workers,
        "embedder": embedder,
        **{key: result.statistics[key] for key in keys},
        "input_mb": round(path.stat().st_size / 1e6, 1),
        "cpu_s": round(total, 2),
        "cpu_s_by_stage": stages,
        "wall_s": round(wall, 2),
        "wall_s_by_stage": {"open": round(opened, 2), **{name: round(t[1], 2) for name, t in timed.spent.items()}},
        "peak_rss_mb": peak_rss_mb(),
        "spilled_mb": None if spilled is None else round(spilled / 1e6, 1),
        "content_hash": lexicon.content_hash,
    }


def in_process(path: Path, embedder: str = "hashing", backend: str = "local", workers: int = 1) -> dict[str, Any]:
    """`one` in a process of its own, on one thread, without vectors kept from before."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    environment |= {"HICRA_VECTORS": "off"}
    command = [sys.executable, __file__, "--one", str(path), "--embedder", embedder, "--backend", backend]
    command += ["--workers", str(workers)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps(result), file=sys.stderr)
    return result


def run(data: Path, sizes: list[int], with_ray: bool, minilm: bool) -> dict[str, Any]:
    """All runs, and whether the claims hold."""
    real = real_solutions(data)
    result: dict[str, Any] = {
        **machine("polars", "scikit-learn", *(["ray"] if with_ray else [])),
        "corpora": (
            f"made of {len(real)} real correct solutions: sentences drawn at random, up to the length of a real one; "
            f"{SPLICED:.0%} of them two halves of different sentences, one word in {REPLACED} replaced by another. "
            "`real` is 1,000 of the solutions as they are."
        ),
        "threads": 1,
    }
    with tempfile.TemporaryDirectory(prefix="hicra-bench-") as folder:
        path = Path(folder, "rows.jsonl")
        result["made"] = []
        for size in sizes:
            write_made(path, real, size)
            result["made"].append(in_process(path))
        write_real(path, real, 1_000)
        result["real"] = [in_process(path)] + ([in_process(path, "minilm")] if minilm else [])
        if with_ray:
            write_made(path, real, RAY_SOLUTIONS)
            result["backends"] = [in_process(path), in_process(path, workers=2)]
            result["backends"].append(in_process(path, backend="ray", workers=2))
    made = result["made"]
    counting = [sum(row["cpu_s_by_stage"][stage] for stage in ("load", "count", "holders")) for row in made]
    result["counting_cpu_s"] = [round(seconds, 2) for seconds in counting]
    result["counting_cpu_ms_per_1000_words"] = [
        round(1e6 * seconds / row["words"], 3) for seconds, row in zip(counting, made, strict=True)
    ]
    claims = {"largest_under_4_gib": made[-1]["peak_rss_mb"] < LIMIT_RSS_MB}
    rates = result["counting_cpu_ms_per_1000_words"]
    claims["linear"] = max(rates) < LINEAR * min(rates)
    if minilm:
        claims["minilm_1000_within_40_cpu_s"] = result["real"][-1]["cpu_s"] <= LIMIT_CPU_S
    if with_ray:
        claims["same_bytes"] = len({row["content_hash"] for row in result["backends"]}) == 1
    return {**result, "claims": claims}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of .jsonl.gz files of real solutions")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--no-ray", action="store_true")
    parser.add_argument("--no-minilm", action="store_true")
    parser.add_argument("-o", type=Path)
    parser.add_argument("--one", type=Path)
    parser.add_argument("--embedder", default="hashing")
    parser.add_argument("--backend", default="local")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.embedder, given.backend, given.workers)))
        return 0
    sizes = [int(size) for size in given.sizes.split(",")]
    result = run(given.data, sizes, not given.no_ray, not given.no_minilm)
    text = json.dumps(result, indent=1)
    print(text)
    if given.o:
        given.o.write_text(text + "\n")
    return 0 if all(result["claims"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
