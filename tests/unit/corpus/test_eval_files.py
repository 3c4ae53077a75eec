"""Logs of Inspect in its own format: read as the same log in JSON is, and refused where they are not whole."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hicra import corpus
from hicra.corpus.eval_files import eval_values
from hicra.corpus.strict_json import JsonParser
from hicra.errors import DataError
from two_commands import DUMPS

SAMPLE = {
    "id": "q", "epoch": 1, "input": "1 + 1?", "target": "2", "uuid": "u1", "scores": {"match": {"value": "C"}},
    "messages": [{"role": "user", "content": "1 + 1?", "source": "input"},
                 {"role": "assistant", "content": "let us check: 2", "source": "generate"}],
}  # fmt: skip
HEADER = {"version": 2, "eval": {"task": "sums", "model": "mock/m"}}
Members = dict[str, bytes]


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


def members(**more: Any) -> Members:
    return {"header.json": as_bytes(HEADER), "samples/q_epoch_1.json": as_bytes(SAMPLE), **more}


def packed(found: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as log:
        for name, data in found.items():
            log.writestr(name, data)
    return out.getvalue()


def written(tmp_path: Path, data: bytes) -> Path:
    (tmp_path / "a.eval").write_bytes(data)
    return tmp_path / "a.eval"


def told(path: Path) -> list[tuple[Any, ...]]:
    read = corpus.read(path)
    assert read.format == "inspect"
    return sorted(read.rows.select("question", "response", "answer", "correct", "reward", "group_id", "source").rows())


def test_a_real_log_is_read_as_the_same_log_in_json() -> None:
    own, as_json = (next((DUMPS / "inspect").glob(f"*.{form}")) for form in ("eval", "json"))
    assert own.read_bytes()[:2] == b"PK"
    assert {one.compress_type for one in zipfile.ZipFile(own).infolist()} == {93}  # zstd, as Inspect writes today
    assert told(own) == told(as_json)
    assert len(told(own)) == 6


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("header", ["header.json", "_journal/start.json"])
def test_other_compressions_and_a_log_that_has_not_ended(tmp_path: Path, method: int, header: str) -> None:
    data = packed({header: as_bytes(HEADER), "samples/q_epoch_1.json": as_bytes(SAMPLE)}, method)
    assert told(written(tmp_path, data)) == [("1 + 1?", "let us check: 2", "2", True, 1.0, "q", "sums")]


def test_a_sample_that_is_no_row_is_named_and_may_be_skipped(tmp_path: Path) -> None:
    bad = {"samples/b.json": b'{"id": 1', "samples/c.json": b"\xff", "samples/d.json": as_bytes(SAMPLE) + b" 7"}
    path = written(tmp_path, packed(members(**bad)))
    with pytest.raises(corpus.BadLine, match=r"a\.eval line 2: samples/b\.json is not JSON"):
        corpus.read(path)
    read = corpus.read(path, on_bad="skip", max_bad=0.75)
    assert [error["reason"].split()[0].rstrip(":") for error in read.errors] == list(bad)
    assert (read.kept, read.skipped) == (1, 3)


def damaged(data: bytes) -> bytes:
    """Changes a byte of the stored sample, so that its checksum differs."""
    return data.replace(b"let us check", b"let me check")


def encrypted(data: bytes) -> bytes:
    at = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4) + 8  # the flags of the sample in the list at the end
    return data[:at] + b"\x01" + data[at + 1 :]


def of_method(number: int) -> Callable[[bytes], bytes]:
    def changed(data: bytes) -> bytes:
        at = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4) + 10
        return data[:at] + bytes([number]) + data[at + 1 :]

    return changed


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "no zip": (lambda: b"PK", "no whole zip file"),
    "half": (lambda: packed(members())[:-30], "no whole zip file"),
    "no header": (lambda: packed({"samples/a.json": as_bytes(SAMPLE)}), r"it holds no header\.json"),
    "header": (lambda: packed(members(**{"header.json": b"[]"})), "has no object `eval`"),
    "header no JSON": (lambda: packed(members(**{"header.json": b"{"})), r"header\.json is not JSON"),
    "checksum": (lambda: damaged(packed(members(), zipfile.ZIP_STORED)), "checksum differs"),
    "encrypted": (lambda: encrypted(packed(members())), "is encrypted"),
    "bzip2": (lambda: of_method(12)(packed(members())), "compressed by method 12"),
    "zstd that is none": (lambda: of_method(93)(packed(members())), "is damaged zstd"),
    "bomb": (lambda: packed(members(**{"samples/b.json": b" " * (65 * 2**20)})), "over 200 times its size"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_whole_log_is_refused(tmp_path: Path, case: str) -> None:
    made, said = REFUSED[case]
    with pytest.raises(DataError, match=said) as error:
        corpus.read(written(tmp_path, made()))
    assert "a.eval" in error.value.message
    assert error.value.fix


def test_a_member_is_read_within_its_own_bytes(tmp_path: Path) -> None:
    """A list at the end that says a sample lies elsewhere, or is longer than the file, leads to an error and no further."""
    data = packed(members(), zipfile.ZIP_STORED)
    at = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    for where, value in ((20, 2**31), (42, len(data) + 5)):  # its size, its place
        bad = data[: at + where] + value.to_bytes(4, "little") + data[at + where + 4 :]
        with pytest.raises(DataError, match=r"a\.eval"):
            list(eval_values(written(tmp_path, bad), JsonParser()))
