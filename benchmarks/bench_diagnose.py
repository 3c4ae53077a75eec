"""Claim: the memory of `hicra diagnose` grows by at most the 64 MB of rows that it holds before it writes them to disk, and 400
bytes for each further rollout, whose own size is 1.2 kB.

    python benchmarks/bench_diagnose.py --rows 10000 100000 -o benchmarks/baselines/bench_diagnose.json
    python benchmarks/bench_diagnose.py --rows 10000 --gigabytes 1 -o benchmarks/baselines/bench_diagnose_1gb.json

Made-up rollouts (made_rollouts.py) of about --words words, 8 a prompt, in steps of --in-step, are diagnosed with the lexicon
`planning` into a run folder, one size after the other, each in a process of its own. CPU seconds (user and system) and the peak
of resident memory are those of that process; wall seconds say little where other work runs beside it (`load_average`). Reading
alone (both passes) is timed beside it, as the part of the work that no number of workers makes faster. About 100 bytes for each
rollout are the digest of its `id`, by which duplicates are found.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra import Lexicon
from hicra.diagnose.shelf import MEMORY
from machine import finish, machine
from made_rollouts import write

MOST = 400  # bytes of memory for each further rollout
READ = "import sys; from hicra import corpus; from collections import deque; deque(corpus.batches([sys.argv[1]]), maxlen=0)"


def in_a_process(*arguments: str) -> dict[str, Any]:
    """Runs Python with these arguments, and returns its seconds and its peak of memory."""
    begin = time.perf_counter()
    out = os.open(os.devnull, os.O_WRONLY)
    process = os.posix_spawn(
        sys.executable, [sys.executable, *arguments], dict(os.environ), file_actions=[(os.POSIX_SPAWN_DUP2, out, 1)]
    )
    _, status, usage = os.wait4(process, 0)
    os.close(out)
    if status:
        sys.exit(f"{' '.join(arguments)} ended with status {status}")
    return {
        "wall_s": round(time.perf_counter() - begin, 1), "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss / 1024),
    }  # fmt: skip


def measured(folder: Path, rows: int, given: argparse.Namespace, grams: list[str]) -> dict[str, Any]:
    """Diagnoses so many rollouts."""
    path, run = folder / f"{rows}.jsonl", folder / "run"
    size = write(path, rows, given.words, max(1, rows // given.in_step), grams, given.entropies)
    found = in_a_process(
        "-m", "hicra.cli", "diagnose", str(path), "-o", str(run), "-q", "--json", "--workers", str(given.workers)
    )
    found = {"rollouts": rows, "steps": max(1, rows // given.in_step), "bytes": size, **found}
    found["mb_a_cpu_second"] = round(size / 1e6 / found["cpu_s"], 2)
    found["rollouts_a_cpu_second"] = round(rows / found["cpu_s"])
    found["run_folder_bytes"] = sum(file.stat().st_size for file in run.rglob("*") if file.is_file())
    found["reading"] = in_a_process("-c", READ, str(path))
    shutil.rmtree(run)
    path.unlink()
    return found


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-o", "--output", type=Path, help="write the result here")
    options.add_argument("--rows", type=int, nargs="*", default=[10_000, 100_000])
    options.add_argument("--gigabytes", type=float, help="a further size, by the bytes of its file")
    options.add_argument("--words", type=int, default=150)
    options.add_argument("--in-step", type=int, default=1000)
    options.add_argument("--entropies", action="store_true", help="each rollout has the entropy of each of its words")
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--note", default="", help="what ran beside it")
    given = options.parse_args()
    grams = Lexicon.load("planning").phrases
    with tempfile.TemporaryDirectory() as name:
        sizes = list(given.rows)
        if given.gigabytes:
            probe = write(Path(name) / "probe.jsonl", 1000, given.words, 1, grams, given.entropies)
            sizes.append(round(given.gigabytes * 1e9 / probe * 1000))
        results = []
        for rows in sizes:
            results.append(measured(Path(name), rows, given, grams))
            print(results[-1], file=sys.stderr, flush=True)
    first, last = results[0], results[-1]
    more = last["rollouts"] - first["rollouts"]
    growth, allowed = last["peak_mb"] - first["peak_mb"], round((MEMORY + MOST * more) / 2**20)
    report: dict[str, Any] = {
        **machine("polars"), "words": given.words, "entropies": given.entropies, "workers": given.workers, "results": results,
        "note": given.note, "grows_by_mb": growth, "allowed_mb": allowed, "holds": growth <= allowed,
    }  # fmt: skip
    return finish(report, given.output)


if __name__ == "__main__":
    sys.exit(main())
