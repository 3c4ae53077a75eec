"""`corpus.batches`: the same rows, types and account as `read`, whatever the size of a batch, in bounded memory."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import corpus
from hicra.corpus import records as records_module
from hicra.errors import DataError

scalars = st.one_of(
    st.none(), st.booleans(), st.sampled_from([0, 1, 2**53, 2**53 + 1, 2**70, 2**130, 0.5, 2.0, "", "a"])
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab"), inner)),
    max_leaves=4,
)
records = st.fixed_dictionaries(
    {"solution": st.sampled_from(["s", "t", None])},
    optional={
        "response": st.sampled_from(["r", "s"]),
        "response (input)": st.just("q"),
        "id": st.sampled_from([1, 2, "1", None]),
        "group_id": st.sampled_from([7, "g"]),
        "reward": st.sampled_from([0, 1, 0.5, None]),
        "step": st.sampled_from([1, 2.0]),
        "prompt": st.just("p"),
        "x": values,
        "y": st.sampled_from([1, 2, None, 0.5]),
        "z": st.sampled_from([[1], [0.5], [], None]),
    },
)


def jsonl(path: Path, rows: list[Any]) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return path


def account(result: Any) -> tuple[Any, ...]:
    names = (
        "format",
        "columns",
        "kept",
        "skipped",
        "duplicates",
        "lines",
        "errors",
        "json_columns",
        "input_names",
        "files",
    )
    return tuple(getattr(result, name) for name in names)


@given(st.lists(records, min_size=1, max_size=8), st.integers(1, 3), st.booleans())
@settings(max_examples=150, deadline=None)
@pytest.mark.slow
def test_batches_are_read_in_pieces(tmp_path_factory: Any, rows: list[Any], size: int, keep: bool) -> None:
    path = jsonl(tmp_path_factory.mktemp("b") / "rows.jsonl", [*rows, {"solution": "last"}])
    whole = corpus.read(path, "skip", 1.0, keep_duplicates=keep)
    source = corpus.batches(path, "skip", 1.0, keep_duplicates=keep, size=size, keep_bytes=0)
    frames = list(source)
    assert all(0 < frame.height <= size for frame in frames)
    assert pl.concat(frames).equals(whole.rows)  # concat refuses frames of different schemas
    assert pl.concat(map(source.as_input, frames)).equals(whole.as_input())
    assert source.rows == whole.rows.height
    assert account(source) == account(whole)
    assert pl.concat(list(source)).equals(whole.rows)  # again


def test_types_that_only_late_rows_decide(tmp_path: Path) -> None:
    rows: list[Any] = [{"solution": "s", "id": i, "x": i, "e": {"a": 1}} for i in range(5)]
    rows += [{"solution": "s", "id": "k", "x": 0.5, "e": {"b": [1]}, "late": True}, {"solution": "s", "x": None}]
    frames = list(corpus.batches(jsonl(tmp_path / "a.jsonl", rows), size=2, keep_bytes=0))
    assert [frame.height for frame in frames] == [2, 2, 2, 1]
    assert frames[0].to_dicts()[1] == frames[0].to_dicts()[0] | {"id": "1", "x": 1.0}
    assert frames[0]["e"].to_list() == [{"a": 1, "b": None}] * 2
    assert frames[0]["late"].to_list() == [None, None]


def test_canonical_columns_alone_take_one_pass(tmp_path: Path) -> None:
    rows: list[Any] = [{"solution": f"s{i}", "id": i, "group_id": i, "x": i} for i in range(5)]
    source = corpus.batches(jsonl(tmp_path / "a.jsonl", [*rows, rows[0], "{"]), "skip", 0.2, size=4, extras=False)
    frames = list(source)
    assert pl.concat(frames)["id"].to_list() == ["0", "1", "2", "3", "4"]
    assert pl.concat(frames)["group_id"].dtype == pl.String
    assert frames[0].columns == list(corpus.read(tmp_path / "a.jsonl", "skip", 0.2).rows.columns[:11])
    assert (source.kept, source.duplicates, source.skipped, source.lines) == (5, 1, 1, 7)
    assert source.columns == {"response": "solution", "id": "id", "group_id": "group_id"}
    late = iter(corpus.batches(tmp_path / "a.jsonl", "skip", size=4, extras=False))
    assert next(late).height == 4  # one pass: what is wrong shows when it is read
    with pytest.raises(DataError, match="1 of 7 lines are bad"):
        list(late)


def test_what_is_wrong_is_known_before_the_first_batch(tmp_path: Path) -> None:
    good: list[Any] = [{"solution": "s"}] * 50
    path = jsonl(tmp_path / "a.jsonl", [*good, "{"])
    with pytest.raises(corpus.BadLine, match="line 51"):
        next(iter(corpus.batches(path, size=2)))
    with pytest.raises(DataError, match="1 of 51 lines are bad"):
        next(iter(corpus.batches(path, "skip", size=2)))
    jsonl(tmp_path / "b.jsonl", [])
    with pytest.raises(DataError, match="no rows"):
        corpus.batches(tmp_path / "b.jsonl").prepare()
    with pytest.raises(ValueError, match="size"):
        corpus.batches(path, size=0)


@pytest.mark.parametrize("change", [lambda rows: rows[:-1], lambda rows: [rows[0] | {"x": "text"}, *rows[1:]]])
def test_a_file_that_changes_meanwhile_is_an_error(tmp_path: Path, change: Any) -> None:
    rows = [{"solution": "s", "x": i} for i in range(6)]
    source = corpus.batches(jsonl(tmp_path / "a.jsonl", rows), size=2, keep_bytes=0).prepare()
    jsonl(tmp_path / "a.jsonl", change(rows))
    with pytest.raises(DataError, match=r"a\.jsonl changed while it was read"):
        list(source)


def test_binary_junk_and_nul_bytes_are_bad_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"solution": "a\\u0000b"}\n{"solution": "a\x00b"}\n\x00\x01\xff\xfe\n' + b"\x89" * 100)
    source = corpus.batches(path, "skip", 1.0)
    assert pl.concat(source)["response"].to_list() == ["a\0b"]
    assert [(bad["line"], bad["reason"].split(" at ")[0]) for bad in source.errors] == [
        (2, "not JSON: Invalid control character"),
        (3, "byte 0xff is not UTF-8"),
        (4, "byte 0x89 is not UTF-8"),
    ]
    for name, error in {
        "b.parquet": "no readable parquet",
        "b.jsonl.gz": "damaged gzip",
        "b.jsonl.zst": "damaged zstd",
    }.items():
        (tmp_path / name).write_bytes(b"\x00\xff" * 500)
        with pytest.raises(DataError, match=error):
            list(corpus.batches(tmp_path / name))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_read_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    lines = '{"solution": "so we go"}\n' * 10_000
    thread = threading.Thread(target=(tmp_path / "a.jsonl").write_text, args=(lines,), daemon=True)
    thread.start()
    assert sum(frame.height for frame in corpus.batches(tmp_path / "a.jsonl", keep_bytes=10)) == 10_000
    thread.join()


def test_long_rows_end_a_batch(tmp_path: Path) -> None:
    rows = [{"solution": "x" * 1000} for _ in range(10)]
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    assert [frame.height for frame in corpus.batches(path, size_bytes=3000)] == [3, 3, 3, 1]


def test_parquet_is_read_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a[1].parquet"
    frame = pl.DataFrame({"solution": [f"s{i}" for i in range(100)], "x": range(100)})
    frame.write_parquet(path, row_group_size=30)
    whole = corpus.read(path).rows
    monkeypatch.setattr(records_module, "SLICE_ROWS", 7)
    monkeypatch.setattr(records_module, "MIN_SLICE", 1)
    assert pl.concat(corpus.batches(path, size=10, keep_bytes=0)).equals(whole)
    frame[:0].write_parquet(tmp_path / "empty.parquet")
    with pytest.raises(DataError, match="no rows"):
        list(corpus.batches(tmp_path / "empty.parquet"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its peak memory from Linux's /proc")
@pytest.mark.parametrize("ending", ["jsonl", "jsonl.zst", "parquet"])
@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, ending: str) -> None:
    script = """if True:
        import re, sys; from hicra import corpus
        rows = sum(f.height for f in corpus.batches(sys.argv[1], size=512, size_bytes=2**20, keep_bytes=2**20))
        print(rows, *re.findall("VmHWM:[^0-9]*([0-9]+)", open("/proc/self/status").read()))
    """
    import zstandard

    peaks = []
    for count in (10_000, 40_000):
        rows = [{"solution": f"{i} so we can check this " * 10, "n": i} for i in range(count)]
        path = tmp_path / f"{count}.{ending}"
        if ending == "parquet":
            pl.DataFrame(rows).write_parquet(path, row_group_size=2048)
        else:
            data = "".join(json.dumps(row) + "\n" for row in rows).encode()
            path.write_bytes(zstandard.ZstdCompressor().compress(data) if ending.endswith("zst") else data)
        said = subprocess.run([sys.executable, "-c", script, path], check=True, capture_output=True, text=True).stdout
        assert int(said.split()[0]) == count
        peaks.append(int(said.split()[1]))
    assert peaks[1] < 1.2 * peaks[0]
