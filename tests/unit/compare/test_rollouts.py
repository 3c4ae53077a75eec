"""Rollouts are no scores: `hicra compare` names the command that compares them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from hicra.compare.compare import compare
from hicra.errors import DataError
from paths import SUPPORT

ROW = {"id": 1, "response": "so it is 2", "correct": True}
VERL = Path(SUPPORT) / "dumps" / "verl"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    line = json.dumps(ROW) + "\n"
    for name in ("a.jsonl", "b c.jsonl", "-d.jsonl"):
        Path(name).write_text(line)
    Path("z.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    Path("dumps").mkdir()
    Path("dumps", "1.jsonl").write_text(line)
    return tmp_path


@pytest.mark.parametrize(("paths", "command"), [
    (["a.jsonl", "b c.jsonl"], "hicra diagnose a.jsonl 'b c.jsonl' --apart"),
    (["z.jsonl.gz", "-d.jsonl"], "hicra diagnose z.jsonl.gz ./-d.jsonl --apart"),
    (["dumps", VERL], f"hicra diagnose dumps {VERL} --apart"),
    (["a.jsonl"], "hicra diagnose a.jsonl --by COLUMN"),
])  # fmt: skip
def test_rollouts_are_sent_to_the_verb_that_compares_them(folder: Path, paths: list[str | Path], command: str) -> None:
    with pytest.raises(DataError, match="holds rollouts, and no scores of arms and seeds") as refused:
        compare([Path(path) for path in paths], "a")
    assert f"`{command}`" in refused.value.fix


def test_a_table_that_lacks_a_column_is_still_told_so(folder: Path) -> None:
    Path("t.jsonl").write_text('{"arm": "a", "value": 1}\n')
    with pytest.raises(DataError, match="no column 'seed'"):
        compare([Path("t.jsonl")], "a")
    Path("s.jsonl").write_text('{"arm": "a", "seed": 1, "value": 1, "response": "x"}\n')  # a table may hold more
    with pytest.raises(DataError, match="only one arm"):
        compare([Path("s.jsonl")])
