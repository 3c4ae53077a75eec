"""Lines, compression and strict JSON: every row of the data table of hostile inputs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import zstandard

from hicra import corpus
from hicra.corpus import lines as line_module
from hicra.corpus.lines import split_lines
from hicra.corpus.strict_json import MAX_DEPTH, BadRow, parse_object
from hicra.errors import DataError

GOOD = b'{"solution": "so we add"}'


def write(folder: Path, data: bytes, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"solution": "a"', "not JSON"),
        (b'{"solution": "a"} {"solution": "b"}', "not JSON"),
        (b'["solution"]', "a row is a JSON object, not list"),
        (b'{"solution": "caf\xe9"}', "byte 0xe9 is not UTF-8"),
        (b'{"solution": "\\ud800 half"}', "lone surrogate \\ud800"),
        (b'{"solution": "a", "\\udfff": 1}', "lone surrogate \\udfff"),
        (b'{"solution": "a", "solution": "b"}', "duplicate key 'solution'"),
        (b'{"solution": "a", "extra": {"k": 1, "k": 1}}', "duplicate key 'k'"),
        (b'{"solution": "a", "reward": NaN}', "NaN is not JSON"),
        (b'{"solution": "a", "reward": -Infinity}', "-Infinity is not JSON"),
        (b'{"solution": "a", "extra": 1e999}', "too large for a float"),
        (b'{"solution": "a", "extra": ' + b"1" * 5000 + b"}", "not readable"),
        (b'{"solution": "a", "extra": ' + b"[" * 5000 + b"]" * 5000 + b"}", "nested deeper"),
        (b'{"solution": "a", "extra": ' + b"[" * 120 + b"]" * 120 + b"}", "nested deeper"),
        (b"", "empty line"),
        (b'{"solution": "tab\there"}', "not JSON"),
        (b'\xef\xbb\xbf{"solution": "a"}', "not JSON"),
    ],
)
def test_bad_lines_stop_with_file_line_offset_and_reason(tmp_path: Path, line: bytes, reason: str) -> None:
    path = write(tmp_path, GOOD + b"\n" + line + b"\n" + GOOD + b"\n")
    with pytest.raises(corpus.BadLine) as caught:
        corpus.read(path)
    assert reason in caught.value.reason
    assert caught.value.line == 2
    assert caught.value.file == str(path)
    assert len(GOOD) + 1 <= caught.value.offset <= len(GOOD) + 1 + len(line)
    assert isinstance(caught.value, DataError)
    skipped = corpus.read(path, on_bad="skip", max_bad=0.5)
    assert (skipped.kept, skipped.skipped, skipped.duplicates, skipped.lines) == (2, 1, 0, 3)
    assert [(e["file"], e["line"]) for e in skipped.errors] == [(str(path), 2)]


def test_byte_offset_points_at_the_fault(tmp_path: Path) -> None:
    line = '{"solution": "é"'.encode() + b"\xff"
    with pytest.raises(corpus.BadLine) as caught:
        corpus.read(write(tmp_path, GOOD + b"\n" + line))
    assert caught.value.offset == len(GOOD) + 1 + len(line) - 1


def test_good_oddities_are_kept(tmp_path: Path) -> None:
    rows = [
        b'\xef\xbb\xbf{"solution": "with a mark", "id": 1}',
        b'{"solution": "a\xe2\x80\xa8b", "id": 2}\r',
        b'{"solution": "\\ud83d\\ude00 whole pair", "id": 3}',
        b'{"solution": "deep", "id": 4, "extra": ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}",
        b'{"solution": "{{{[[[' + b"{[" * 2000 + b'", "id": 123456789012345678901234567890}',
    ]
    result = corpus.read(write(tmp_path, b"\n".join(rows)))
    assert result.kept == 5
    assert result.rows["id"].to_list() == [1, 2, 3, 4, 123456789012345678901234567890]
    assert result.rows["response"][1] == "a\u2028b"
    assert result.rows["response"][2].startswith("\U0001f600")


def test_late_column_late_type_and_long_line(tmp_path: Path) -> None:
    rows = [json.dumps({"solution": f"s{i}", "note": i}) for i in range(1500)]
    rows += [json.dumps({"solution": "x" * 12_000_000, "late": "here", "note": "text now"})]
    result = corpus.read(write(tmp_path, "\n".join(rows).encode()))
    assert result.rows["late"].to_list() == [None] * 1500 + ["here"]
    assert result.json_columns == ["note"]
    assert result.rows["note"].to_list()[-2:] == ["1499", "text now"]


def test_integers_stay_exact_beyond_every_machine_type(tmp_path: Path) -> None:
    big, huge = 10**29 + 7, 10**60 + 7
    data = json.dumps({"solution": "a", "x": big, "y": huge, "z": [big], "mixed": 2**60 + 1}) + "\n"
    data += json.dumps({"solution": "b", "mixed": 0.5})
    rows = corpus.read(write(tmp_path, data.encode())).rows
    assert rows["x"].to_list() == [big, None]
    assert rows["y"].to_list() == [str(huge), None]
    assert rows["z"].to_list() == [[big], None]
    assert rows["mixed"].to_list() == [str(2**60 + 1), "0.5"]


def test_lines_end_at_newline_only() -> None:
    data = b"one\rstill\x0cone\x85\nlast"
    assert [(x.number, x.offset, x.data) for x in split_lines(iter([data[:3], data[3:15], data[15:]]))] == [
        (1, 0, b"one\rstill\x0cone\x85"),
        (2, 15, b"last"),
    ]
    assert list(split_lines(iter([b"a\n", b""]))) == [line_module.RawLine(1, 0, b"a")]


@pytest.mark.parametrize("size", [3, 4, 7, 100])
def test_line_cap_counts_but_keeps_nothing(size: int) -> None:
    data = b"abcdef\nabc\n" + b"x" * 50
    blocks = [data[i : i + size] for i in range(0, len(data), size)]
    found = [(x.number, x.offset, x.data, x.too_long) for x in split_lines(iter(blocks), max_line=5)]
    assert found == [(1, 0, b"", True), (2, 7, b"abc", False), (3, 11, b"", True)]


def test_too_long_line_is_bad(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + b"\n" + GOOD + b" " * 100)
    with pytest.raises(corpus.BadLine, match="longer than 64 bytes"):
        corpus.read(path, max_line=64)


@pytest.mark.parametrize("suffix", ["gz", "zst"])
@pytest.mark.slow
def test_compressed_files(tmp_path: Path, suffix: str) -> None:
    def pack(data: bytes) -> bytes:
        return gzip.compress(data) if suffix == "gz" else zstandard.ZstdCompressor().compress(data)

    text = b"".join(
        json.dumps({"solution": f"step {i} " + "ab" * (i % 50), "id": i}).encode() + b"\n" for i in range(20_000)
    )
    name = f"rows.jsonl.{suffix}"
    packed = pack(text)
    assert corpus.read(write(tmp_path, packed, name)).kept == 20_000
    half = len(text) // 2
    assert corpus.read(write(tmp_path, pack(text[:half]) + pack(text[half:]), name)).kept == 20_000  # two frames
    for broken in (packed[: len(packed) // 2], packed[:-1], packed[:3]):
        with pytest.raises(DataError, match="truncated"):
            corpus.read(write(tmp_path, broken, name), on_bad="skip", max_bad=1.0)
    with pytest.raises(DataError, match="damaged"):
        corpus.read(write(tmp_path, b"not compressed at all", name))
    with pytest.raises(DataError, match="no rows"):
        corpus.read(write(tmp_path, pack(b""), name))


def test_flipped_byte_in_gzip_is_found(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"\n".join([GOOD] * 1000)))
    packed[-6] ^= 1  # in the checksum
    with pytest.raises(DataError, match="damaged gzip"):
        corpus.read(write(tmp_path, bytes(packed), "a.jsonl.gz"))


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_bombs_are_refused_and_small_files_of_equal_rows_pass(tmp_path: Path, suffix: str) -> None:
    def pack(data: bytes) -> bytes:
        return gzip.compress(data) if suffix == "gz" else zstandard.ZstdCompressor().compress(data)

    name = f"rows.jsonl.{suffix}"
    equal = b'{"solution": "the same again and again and again"}\n' * 20_000
    assert len(equal) > 200 * len(pack(equal))
    assert corpus.read(write(tmp_path, pack(equal), name)).kept == 20_000
    bomb = b"".join(pack(b" " * 2**24) for _ in range(5))
    with pytest.raises(DataError, match="decompression bomb"):
        corpus.read(write(tmp_path, bomb, name), on_bad="skip", max_bad=1.0)


def test_blank_lines_are_lines(tmp_path: Path) -> None:
    result = corpus.read(write(tmp_path, GOOD + b"\n\n" + GOOD + b"\n"), on_bad="skip", max_bad=0.5)
    assert (result.lines, result.skipped, result.errors[0]["reason"]) == (3, 1, "empty line")


def test_bad_lines_come_to_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hicra.corpus.account.MAX_ERRORS", 10)
    with pytest.raises(DataError, match="more than 10 bad lines, the last .* line 11: empty line"):
        corpus.read(write(tmp_path, b"\n" * 1000), on_bad="skip", max_bad=1.0)


def test_parse_object_gives_the_offset_of_the_fault() -> None:
    with pytest.raises(BadRow) as caught:
        parse_object('{"é": ]'.encode())
    assert caught.value.at == len('{"é": '.encode())


@pytest.mark.parametrize("blank", ["", " ", "\t \r"])
def test_blanks_around_an_object_move_the_fault_and_are_none(blank: str) -> None:
    assert parse_object(f'{blank}{{"é": 1}}{blank}'.encode()) == {"é": 1}
    with pytest.raises(BadRow, match=f"Extra data at character {9 + 2 * len(blank)}$") as caught:
        parse_object(f'{blank}{{"é": 1}}{blank} x'.encode())
    assert caught.value.at == 10 + 2 * len(blank)  # é has two bytes


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("rows.jsonl", gzip.compress(GOOD, mtime=0), r"rows\.jsonl is gzip, and its name says text(.|\n)*\.jsonl\.gz"),
        ("rows.json", gzip.compress(GOOD, mtime=0), r"rows\.json is gzip, and its name says text"),
        ("rows.jsonl", zstandard.ZstdCompressor().compress(GOOD), r"is zstd(.|\n)*\.jsonl\.zst"),
        ("rows.jsonl", b"PAR1\x15\x04", r"is parquet(.|\n)*end in \.parquet"),
        ("rows.jsonl", b"PK\x03\x04\x14", r"is a zip file(.|\n)*unpack it"),
        ("rows.jsonl", GOOD.decode().encode("utf-16"), r"is text in UTF-16(.|\n)*as UTF-8"),
        ("rows.jsonl.gz", GOOD, r"is text, and its name says gzip(.|\n)*end in \.jsonl"),
        ("rows.jsonl.gz", zstandard.ZstdCompressor().compress(GOOD), r"is zstd, and its name says gzip"),
        ("rows.parquet", GOOD, r"is text, and its name says parquet"),
        ("rows.eval", gzip.compress(GOOD, mtime=0), r"is gzip, and its name says a zip file"),
    ],
)
def test_a_file_of_another_kind_than_its_name_says_is_named(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        corpus.read(write(tmp_path, data, name), on_bad="skip", max_bad=1.0)


@pytest.mark.parametrize("end", [b"\n\n", b"\n \t\r\n\n\n", b"\n" * 101])
def test_blank_lines_at_the_end_are_none(tmp_path: Path, end: bytes) -> None:
    path = write(tmp_path, GOOD + b"\n" + GOOD + end)
    result = corpus.read(path)
    assert (result.lines, result.kept, result.skipped) == (2, 2, 0)


def test_very_many_blank_lines_at_the_end_are_lines(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + b"\n" * 102)
    with pytest.raises(DataError, match="line 2 .*: empty line"):
        corpus.read(path)
    assert corpus.read(path, on_bad="skip", max_bad=1.0).skipped == 101
