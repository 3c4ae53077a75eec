"""Rows that go to the disk in pieces come back by arm and step in their order, and a diagnosis gives the same bytes for it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra import Lexicon
from hicra.diagnose import shelf as shelf_module
from hicra.diagnose import spool as spool_module
from hicra.diagnose import write as write_module
from hicra.diagnose.diagnose import diagnose
from hicra.diagnose.shelf import Shelf
from hicra.diagnose.spool import ARM, Spool
from hicra.errors import FileError

LEXICON = Lexicon.from_phrases(["let me check", "so we", "wait", "another way"])
WORDS = ["so", "we", "try", "let", "me", "check", "wait,", "another", "way", "then."]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 3)), min_size=1, max_size=40),
    st.integers(1, 7),
    st.sampled_from([0, 200, 2**20]),
    st.sampled_from([1, 150, 2**20]),
)
def test_rows_come_back_in_their_order(keys: list[tuple[int, int]], size: int, memory: int, piece: int) -> None:
    rows = [{ARM: arm, "step": step, "at": at} for at, (arm, step) in enumerate(keys)]
    with pytest.MonkeyPatch.context() as patch, Shelf(memory) as shelf:
        patch.setattr(spool_module, "PIECE", piece)
        spool = Spool(shelf)
        for begin in range(0, len(rows), size):
            spool.add(pl.DataFrame(rows[begin : begin + size]))
        spool.flush()
        assert spool.steps() == sorted(set(keys))
        for arm, step in spool.steps():
            found = spool.read((arm, step))
            assert found["at"].to_list() == [row["at"] for row in rows if (row[ARM], row["step"]) == (arm, step)]
            assert found.columns == ["step", "at"]
        assert sum(spool.rows(arm) for arm in range(3)) == len(rows)


def rollouts() -> list[dict[str, Any]]:
    """Rows of three models, in no order of steps; some lack what others have."""
    draw = random.Random(1)
    rows = []
    for number in range(400):
        words = [draw.choice(WORDS) for _ in range(draw.randrange(1, 30))]
        row: dict[str, Any] = {
            "id": number, "response": " ".join(words), "reward": draw.choice([0.0, 1.0, None]), "question": f"q{number % 9}",
            "step": draw.choice([1, 2, 3, 4, 5, 6, 7, None]), "model": f"m{number % 3}", "truncated": draw.random() < 0.2,
            "answer": draw.choice(["7", None]),
        }  # fmt: skip
        if number % 3:
            row["entropies"] = [round(draw.random(), 3) for _ in words]
        rows.append(row)
    return rows


def measured(folder: Path, name: str, **more: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    result = diagnose(
        [folder / "rows.jsonl"], LEXICON, tokenizer=None, on_bad="stop", max_bad=0.0, out=folder / name, **more
    )  # fmt: skip
    files = {str(path.relative_to(folder / name)): path.read_bytes() for path in (folder / name).rglob("*.*")}
    return {key: value for key, value in result.items() if key not in ("run_dir", "arms")}, files


@pytest.mark.slow
@pytest.mark.parametrize("by", [None, "model"])
def test_what_goes_to_the_disk_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str | None
) -> None:
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rollouts()))
    result, files = measured(tmp_path, "memory", by=by)
    in_memory = diagnose(
        [tmp_path / "rows.jsonl"], LEXICON, tokenizer=None, on_bad="stop", max_bad=0.0, out=None, by=by
    )  # fmt: skip
    assert in_memory["findings"] == result["findings"]
    monkeypatch.setattr(Shelf.__init__, "__defaults__", (0,))
    monkeypatch.setattr(spool_module, "PIECE", 2000)
    monkeypatch.setattr(write_module, "WAITING", 500)
    spilt, again = measured(tmp_path, "spilt", by=by)
    assert json.dumps(spilt) == json.dumps(result)
    assert files.keys() == again.keys()
    for name in files:
        if name.endswith("prompts.parquet"):  # written from parts, so its row groups differ
            kept = [pl.read_parquet(tmp_path / folder / name) for folder in ("memory", "spilt")]
            assert kept[0].equals(kept[1])
        else:
            assert files[name] == again[name], name
    without = diagnose(
        [tmp_path / "rows.jsonl"], LEXICON, tokenizer=None, on_bad="stop", max_bad=0.0, out=None, by=by
    )  # fmt: skip
    assert without["findings"] == result["findings"]
    assert without.get("pairs") == result.get("pairs")


def test_a_full_disk_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with Shelf(0) as shelf, pytest.raises(FileError, match="No space left"):
        shelf.add(pl.DataFrame({"a": [1]}))


def test_files_are_removed() -> None:
    with Shelf(0) as shelf:
        shelf.add(pl.DataFrame({"a": [1]}))
        [path] = shelf.parts
        assert isinstance(path, Path)
        assert shelf_module.lazy(path).collect().to_dicts() == [{"a": 1}]
    assert not path.parent.exists()
