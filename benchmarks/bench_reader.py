"""Claim: the memory of hicra's reader does not grow with the rows, and it keeps or refuses what others drop; what that costs.

    python benchmarks/bench_reader.py -o benchmarks/baselines/bench_reader.json

The same JSON Lines (made_rollouts.py) are read by `corpus.batches` (which judges every line and learns the types in one pass, and
makes frames in a second one), by `corpus.read` (one table in memory), by `polars.read_ndjson` and `polars.scan_ndjson` (streamed
through a count of letters, so that every text is read), and by `datasets.load_dataset`, each in a process of its own that has
imported what it needs before; CPU seconds are of the reading alone, the peak of memory is that of the process. `kept` says what
each makes of three things that rollouts hold in practice, in a small file: a key that only a late row has, half of a surrogate
pair, and a key that is there twice. `times_polars` is CPU seconds over those of `polars.read_ndjson`, which judges nothing; what
hicra takes more goes into checking each value in Python, digests of ids (duplicates), and from 16 MB on into the second pass.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra import Lexicon
from machine import finish, machine
from made_rollouts import write

MOST_MORE = 1.25  # the peak of memory on the largest file over that on the smallest
BEGIN = "import sys, time, resource, json\npath = sys.argv[1]\n"
END = (
    "\nprint(json.dumps({'rows': rows, 'cpu_s': round(time.process_time() - begin, 2), "
    "'peak_mb': round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}))"
)
DATASETS = "import tempfile, datasets; datasets.disable_progress_bars()"
LOADED = "datasets.load_dataset('json', data_files=path, split='train', cache_dir=tempfile.mkdtemp(dir=sys.argv[2]))"
READERS = {
    "hicra batches": (
        "from hicra import corpus",
        "rows = sum(frame['response'].str.len_chars().len() for frame in corpus.batches(path))",
    ),
    "hicra read": ("from hicra import corpus", "rows = corpus.read(path).rows.height"),
    "polars read_ndjson": ("import polars as pl", "rows = pl.read_ndjson(path).height"),
    "polars scan_ndjson": (
        "import polars as pl",
        "rows = pl.scan_ndjson(path).select(pl.col('response').str.len_chars().count()).collect(engine='streaming').item()",
    ),
    "datasets": (DATASETS, f"rows = len({LOADED})"),
}  # fmt: skip
CASES = {
    "a key that only a late row has": ([{"response": "a"}] * 3000 + [{"response": "b", "late": 7}], "late"),
    "half of a surrogate pair": ('{"response": "a \\ud83d b"}\n', "surrogate"),
    "a key that is there twice": ('{"response": "a", "response": "b"}\n', "twice"),
}
ASK = {
    "hicra batches": ("from hicra import corpus", "table = corpus.read(path).rows"),
    "polars read_ndjson": ("import polars as pl", "table = pl.read_ndjson(path)"),
    "datasets": (DATASETS, f"table = {LOADED}.to_polars()"),
}  # fmt: skip
SAY = (
    "\nlate = str(table['late'][-1]) if 'late' in table.columns else None"
    "\nprint(json.dumps([table.columns, str(table['response'][-1]), late]))"
)


def run(code: str, *arguments: str) -> tuple[bool, str]:
    """Runs Python code; returns whether it ended well, and its last line of output or of error."""
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=offline)
    if done.returncode == 0:
        return True, done.stdout.strip().splitlines()[-1]
    errors = [line for line in done.stderr.splitlines() if re.match(r"[\w.]+(Error|Line|Exception)\b", line)]
    return False, errors[-1] if errors else done.stderr[-200:]


def timed(name: str, path: Path, folder: str) -> dict[str, Any]:
    """The figures of one reader."""
    imports, read = READERS[name]
    well, said = run(f"{imports}\n{BEGIN}begin = time.process_time()\n{read}{END}", str(path), folder)
    if not well:
        sys.exit(f"{name}: {said}")
    found: dict[str, Any] = json.loads(said)
    found["mb_a_cpu_second"] = round(path.stat().st_size / 1e6 / max(0.01, found["cpu_s"]), 1)
    return found


def kept(name: str, case: str, folder: Path) -> str:
    """What a reader makes of a case, in words."""
    rows, kind = CASES[case]
    path = folder / f"{kind}.jsonl"
    path.write_text(rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows))
    imports, read = ASK[name]
    well, said = run(f"{imports}\n{BEGIN}{read}{SAY}", str(path), str(folder))
    if not well:
        return f"error: {said.replace(str(folder), 'FOLDER')[:200]}"
    columns, response, late = json.loads(said)
    if kind == "late":
        return "exact" if late == "7" else f"lost (columns {', '.join(columns)})"
    return f"reads {response!r}"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-o", "--output", type=Path, help="write the result here")
    options.add_argument("--rows", type=int, nargs="*", default=[10_000, 50_000])
    options.add_argument("--words", type=int, default=150)
    given = options.parse_args()
    grams = Lexicon.load("planning").phrases
    sizes = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in given.rows:
            path = Path(folder) / f"{rows}.jsonl"
            size = write(path, rows, given.words, max(1, rows // 1000), grams)
            one: dict[str, Any] = {name: timed(name, path, folder) for name in READERS}
            for found in one.values():
                found["times_polars"] = round(found["cpu_s"] / max(0.01, one["polars read_ndjson"]["cpu_s"]), 2)
            sizes.append({"rows": rows, "bytes": size, "readers": one})
            print(sizes[-1], file=sys.stderr, flush=True)
        cases = {case: {name: kept(name, case, Path(folder)) for name in ASK} for case in CASES}
    peaks = [one["readers"]["hicra batches"]["peak_mb"] for one in sizes]
    sure = all(of["hicra batches"] == "exact" or of["hicra batches"].startswith("error: ") for of in cases.values())
    report: dict[str, Any] = {
        **machine("polars", "datasets"), "sizes": sizes, "kept": cases,
        "holds": sure and peaks[-1] <= MOST_MORE * peaks[0],
    }  # fmt: skip
    return finish(report, given.output)


if __name__ == "__main__":
    sys.exit(main())
