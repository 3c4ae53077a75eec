"""The one reader of rows: every kind of file gives the same rows, each with its place; bad lines are for the caller."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pytest
import zstandard

from hicra.corpus.records import RowPlace, parquet_schema, records
from hicra.corpus.strict_json import BadRow
from hicra.errors import DataError

ROWS = [{"a": 1, "b": "x"}, {"a": 2, "b": "é"}, {"a": 3, "b": None}]
LINES = b'{"a": 1, "b": "x"}\n{"a": 2, "b": "\xc3\xa9"}\n{"a": 3, "b": null}\n'


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz", "R.JSONL.ZST", "r [1]*?.parquet"])
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        pl.DataFrame(ROWS).write_parquet(path)
    else:
        packed = {"gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}.get(name.lower().split(".")[-1])
        path.write_bytes(packed(LINES) if packed else LINES)
    found = list(records(path))
    assert [row for _, row in found] == ROWS
    assert [(place.file, place.line) for place, _ in found] == [(str(path), 1), (str(path), 2), (str(path), 3)]
    assert str(found[1][0]) == f"{path} line 2"


def test_the_place_of_a_line_is_its_bytes_and_a_byte_order_mark_is_none_of_them(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + LINES)
    # 3 bytes of the mark, then lines of 18 and 19 bytes (é has two), each with its line end
    assert [place[1:] for place, _ in records(path)] == [(1, 3, 18), (2, 22, 19), (3, 42, 19)]


def test_a_parquet_row_has_no_offset_and_the_schema_is_known_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    pl.DataFrame(ROWS).write_parquet(path)
    assert {place.offset for place, _ in records(path)} == {None}
    assert all(place.size > 0 for place, _ in records(path))
    pl.DataFrame(ROWS).clear().write_parquet(path)
    assert list(records(path)) == []
    assert parquet_schema(path) == {"a": pl.Int64(), "b": pl.String()}


def test_a_bad_line_stops_or_is_told_of_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": 1, "a": 2}\n\n{"a": NaN}\n' + b'"' + b"x" * 40 + b'"\n{"a": 5}')
    with pytest.raises(DataError, match=r"r\.jsonl line 2: duplicate key 'a'") as caught:
        list(records(path, max_line=32))
    assert caught.value.__suppress_context__  # a user sees one error, not two
    told: list[tuple[RowPlace, BadRow]] = []
    kept = list(records(path, lambda place, bad: told.append((place, bad)), max_line=32))
    assert [(place.line, row) for place, row in kept] == [(1, {"a": 1}), (6, {"a": 5})]
    assert [(place.line, place.offset) for place, _ in told] == [(2, 9), (3, 26), (4, 27), (5, 38)]
    assert [bad.reason.split(":")[0] for _, bad in told] == [
        "duplicate key 'a'",
        "empty line",
        "NaN is not JSON; write null",
        "longer than 32 bytes",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": "\t"}', "not JSON: Invalid control character at character 7"),
        (b'{"a": ' + b"7" * 4301 + b"}", "not readable: an integer has more than 4300 digits"),
    ],
)
def test_the_reason_is_in_plain_words(tmp_path: Path, line: bytes, reason: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(line)
    with pytest.raises(DataError) as caught:
        list(records(path))
    assert caught.value.message == f"{path} line 1: {reason}"


def test_half_a_surrogate_pair_passes_only_where_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps({"a": "x\ud800"}) + "\n")
    with pytest.raises(DataError, match=r"line 1: lone surrogate \\ud800"):
        list(records(path))
    assert [row for _, row in records(path, half_surrogates=True)] == [{"a": "x\ud800"}]
    path.write_text('{"a": "\\ud800", "b": NaN}\n')
    with pytest.raises(DataError, match="line 1: NaN is not JSON"):
        list(records(path, half_surrogates=True))


def test_what_is_no_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    path.write_bytes(b"PAR1 no")
    for read in (parquet_schema, lambda path: list(records(path))):
        with pytest.raises(DataError, match=r"r\.parquet is no readable parquet"):
            read(path)
    with pytest.raises(DataError, match=r"absent\.parquet is no readable parquet"):
        parquet_schema(tmp_path / "absent.parquet")
