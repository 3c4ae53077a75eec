"""`hicra tag` on files: the same bytes for any number of workers, nothing half-written, bounded memory."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from hicra import Lexicon, Tagger
from hicra.errors import ConfigError, DataError
from hicra.tagging import tag as module
from hicra.tagging import tag_paths
from hicra.workers.pool import WorkerDied
from tokenizers_made import byte_level

LEXICON = Lexicon.from_phrases(["let me", "let me check", "so"])
TEXTS = ["So let me check.", "", "nothing\u2028here", "so \U0001f914 so-so", "x" * 3000 + " let  me"]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def tag(path, out=None, **more):
    settings = {"tokenizer": None, "unit": "gram", "on_bad": "stop", "max_bad": 0.01, **more}
    return tag_paths([path], LEXICON, out=out, **settings)


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """40 rows in batches of three, some twice, with a column whose type only the last row decides."""
    monkeypatch.setattr(module, "BATCH", 3)
    made = [{"id": i // 2, "solution": TEXTS[i % 5], "when": i, "extra": {"a": i}} for i in range(39)]
    return write(tmp_path / "rows [1].jsonl", [*made, {"id": 99, "solution": "so", "when": "late", "extra": {"b": []}}])


def test_token_ids_of_another_tokenizer_are_warned_of(tmp_path):
    """The text says "so", and the ids spell something else; of four rows one has none, and has the tokenizer's own."""
    byte_level().save(str(tmp_path / "tokenizer.json"))
    other = byte_level().encode("it is two").ids
    rows = [{"response": "so it is", "token_ids": ids} for ids in (other, other, other, None)]
    found = tag(write(tmp_path / "rows.jsonl", rows), tokenizer=str(tmp_path))
    assert len(found["warnings"]) == 1
    assert found["warnings"][0].startswith("in 3 of 4 rows whose text holds a gram no token is planning")
    assert str(tmp_path) in found["warnings"][0]
    assert (
        tag(write(tmp_path / "rows.jsonl", rows[2:]), tokenizer=str(tmp_path))["warnings"] == []
    )  # 1 of 2 is not most
    assert tag(write(tmp_path / "rows.jsonl", rows), tokenizer=None)["warnings"] == []  # words are those of the text


@pytest.mark.parametrize("workers", [1, 2])
def test_where_each_line_was_skipped_it_says_so_and_writes_nothing(tmp_path, workers):
    path = write(tmp_path / "rows.jsonl", [{"response": None}] * 2)
    with pytest.raises(DataError, match="no row is left: each of the 2 lines is bad"):
        tag(path, tmp_path / "out.jsonl", on_bad="skip", max_bad=1.0, workers=workers)
    assert [entry.name for entry in tmp_path.iterdir()] == ["rows.jsonl"]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
@pytest.mark.parametrize("with_ids", [False, True])
@pytest.mark.slow
def test_same_bytes_for_any_number_of_workers(tmp_path, rows, ending, with_ids):
    tokenizer = None
    if with_ids:
        byte_level().save(str(tmp_path / "tokenizer.json"))
        tokenizer = str(tmp_path)
    seen = []
    made = {}
    for workers in (1, 2):
        out = tmp_path / f"out [{workers}].{ending}"
        result = tag(rows, out, tokenizer=tokenizer, workers=workers, progress=lambda *step: seen.append(step))
        made[workers] = out.read_bytes()
        assert (result["rows"], result["duplicates"], result["workers"]) == (40, 0, workers)
    assert made[1] == made[2]
    assert seen[:14] == seen[14:] == [(min(40, 3 * i), 40) for i in range(1, 15)]
    table = pl.read_parquet(made[1]) if ending == "parquet" else pl.read_ndjson(made[1], infer_schema_length=None)
    assert table.columns == [
        "id",
        "solution",
        "when",
        "extra",
        "spans",
        "planning_chars",
        *["planning_mask"] * with_ids,
    ]
    assert table["when"].to_list() == [*map(str, range(39)), "late"]
    spans = [[(s["start"], s["end"], s["gram"]) for s in row] for row in table["spans"].to_list()]
    assert spans == [Tagger(LEXICON).spans(text) for text in table["solution"]]
    assert table["planning_chars"].sum() == result["planning_chars"]
    if with_ids:
        assert table["planning_mask"].list.sum().sum() == result["planning_tokens"]
        assert table["planning_mask"].list.len().sum() == result["tokens"]
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_truncation_and_padding_of_a_tokenizer_do_not_matter(tmp_path):
    path = write(tmp_path / "rows.jsonl", [{"solution": "so we go on " * 20}, {"solution": "so"}])
    results = []
    for name in ("plain", "cut"):
        tokenizer = byte_level()
        if name == "cut":
            tokenizer.enable_truncation(4)
            tokenizer.enable_padding(length=4)
        (tmp_path / name).mkdir()
        tokenizer.save(str(tmp_path / name / "tokenizer.json"))
        results.append(tag(path, tokenizer=str(tmp_path / name)) | {"seconds": 0, "tokens_per_second": 0})
    assert results[0] == results[1]


@pytest.mark.slow
def test_a_huge_row_among_small_ones(tmp_path):
    text = "So let me check this. " * 50_000 + "so"
    path = write(
        tmp_path / "rows.jsonl", [*[{"solution": "so"}] * 300, {"solution": text}, *[{"solution": "so"}] * 300]
    )
    result = tag(path, tmp_path / "out.parquet")
    assert result["planning_tokens"] == 600 + 4 * 50_000 + 1
    assert (
        pl.read_parquet(tmp_path / "out.parquet", columns=["planning_chars"])["planning_chars"][300] == 14 * 50_000 + 2
    )


def test_a_dump_without_text_is_refused_by_row_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 2)
    dump = {
        "step": [1] * 6,
        "prompt": ["q"] * 6,
        "completion": ["so"] * 5 + [None],
        "r": [1.0] * 6,
        "advantage": [0.0] * 6,
    }
    pl.DataFrame(dump).write_parquet(tmp_path / "d.parquet")
    for workers in (1, 2):
        with pytest.raises(DataError, match="line 6: no text: completion is null"):
            tag(tmp_path / "d.parquet", tmp_path / "out.parquet", workers=workers)
    with pytest.raises(ConfigError, match="0 workers"):
        tag(tmp_path / "d.parquet", workers=0)
    assert [p.name for p in tmp_path.iterdir()] == ["d.parquet"]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_killed_worker_is_an_error_and_the_old_output_stays(tmp_path, rows, ending):
    out = tmp_path / f"out.{ending}"
    out.write_text("old")

    def kill(done, of):
        for process in multiprocessing.active_children():
            os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(WorkerDied, match="SIGKILL"):
        tag(rows, out, workers=2, progress=kill)
    assert out.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == [out.name, rows.name]
    assert multiprocessing.active_children() == []


SCRIPT = """
import os, signal, sys, time
from pathlib import Path
from hicra import Lexicon
from hicra.tagging import tag as module
from hicra.tagging import tag_paths

def slow(done, of):
    from multiprocessing import active_children
    print(*[process.pid for process in active_children()], flush=True)
    time.sleep(60)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
    module.BATCH = 3
    tag_paths([Path(sys.argv[1])], Lexicon.load("paper"), tokenizer=None, unit="gram", out=Path(sys.argv[2]), on_bad="stop",
              max_bad=0.01, workers=2, progress=slow)
"""


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in Linux's /proc")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -2), (signal.SIGKILL, -9)])
@pytest.mark.slow
def test_a_run_that_is_ended_leaves_no_output_and_no_worker(tmp_path, rows, number, code):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    out = tmp_path / "out.parquet"
    with subprocess.Popen(
        [sys.executable, script, rows, out], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as run:
        workers = [int(pid) for pid in run.stdout.readline().split()]
        assert len(workers) == 2
        run.send_signal(number)
        assert run.wait(120) == code
    deadline = time.monotonic() + 60
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))
    assert not out.exists()
    left = [p.name for p in tmp_path.iterdir() if p not in (rows, script)]
    assert left == [] or (number == signal.SIGKILL and all(name.startswith(".tmp-") for name in left))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its peak memory from Linux's /proc")
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path, ending):
    script = """if True:
        import re, sys
        from pathlib import Path
        from hicra import Lexicon
        from hicra.tagging import tag_paths
        tag_paths([Path(sys.argv[1])], Lexicon.load("paper-n3"), tokenizer=None, unit="gram", out=Path(sys.argv[2]),
                  on_bad="stop", max_bad=0.01)
        print(*re.findall("VmHWM:[^0-9]*([0-9]+)", open("/proc/self/status").read()))
    """
    peaks = []
    for count in (8_000, 32_000):
        path = write(tmp_path / "rows.jsonl", [{"solution": f"{i} let us check it " * 8, "n": i} for i in range(count)])
        command = [sys.executable, "-c", script, path, tmp_path / f"out.{ending}"]
        peaks.append(int(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    assert peaks[1] < 1.3 * peaks[0]
