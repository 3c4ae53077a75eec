"""Rollouts that are read step by step from files are those of one table, and so is all that is found in them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra.errors import ArtifactError
from hicra.findings import Evidence, look, saved
from hicra.findings.saved import Rollouts
from hicra.findings.saved_findings import FINDINGS_FILE, save_findings, saved_findings

GRAMS = ["so we", "wait", "let me check", "another way", "first", "then"]


def table(steps: int = 24, rows: int = 12) -> pl.DataFrame:
    """Rollouts in which something goes wrong, so that alarms name them; the last steps are cut, loop and are certain."""
    draw, found = random.Random(2), []
    for step in range(1, steps + 1):
        late = step > steps // 2
        for at in range(rows):
            spans = [{"start": 8 * i, "end": 8 * i + 5, "gram": g} for i, g in enumerate(draw.choices(GRAMS, k=4))]
            found.append({
                "step": step, "id": f"{step}-{at}", "prompt": f"q{step} {at // 4}",
                "group_id": None if at % 5 == 4 else f"g{at // 4}",
                "response": "w " * 40 if late and at % 3 == 0 else " ".join(draw.choices(GRAMS, k=12)),
                "reward": float(draw.random() < 0.5) if at % 7 else None, "correct": draw.random() < 0.5, "answer": "7",
                "truncated": late and at % 2 == 0, "spans": spans[:1] * 3 if late else spans, "planning_chars": 20,
                "planning_mask": [at % 2, 1, 0], "entropies": [0.1 if late else 2.0, draw.random(), 1.0],
                "logprobs": [-draw.random(), -1.0, -2.0], "token_ends": [5, 20, 60],
            })  # fmt: skip
    return pl.DataFrame(found)


METRICS = [
    {"step": step, "hicra/accuracy": 0.4 + 0.01 * (step % 3), "hicra/planning_share": 0.2 if step < 13 else 0.6,
     "hicra/length": float(10 + step), "hicra/entropy_planning": 2.0 if step < 13 else 0.1, "hicra/entropy_execution": 1.0,
     "hicra/semantic_entropy": 1.5} for step in range(1, 25)
]  # fmt: skip


def written(folder: Path, whole: pl.DataFrame) -> list[Path]:
    """Writes a file for each step, the last step in two, and those without a step in one more."""
    paths = []
    for number, part in enumerate(whole.partition_by("step", maintain_order=True)):
        for piece, rows in enumerate([part[:5], part[5:]] if number == 23 else [part]):
            path = folder / f"step-{number + 1:06d}{'-part1' * piece}.parquet"
            rows.write_parquet(path)
            paths.append(path)
    return paths


@pytest.mark.slow
def test_files_and_one_table_show_the_same(tmp_path: Path) -> None:
    whole = table()
    looked = look(Evidence(METRICS, Rollouts([whole])))
    from_files = look(Evidence(METRICS, Rollouts(written(tmp_path, whole))))
    assert [one.as_json() for one in from_files.found] == [one.as_json() for one in looked.found]
    assert from_files.unlooked == looked.unlooked
    shown = [one for one in looked.found if one.rollouts]
    assert len(shown) >= 5  # so that the examples were compared as well
    save_findings(tmp_path, looked)
    again = saved_findings(tmp_path)
    assert again is not None
    assert [one.as_json() for one in again.found] == [json.loads(json.dumps(one.as_json())) for one in looked.found]
    assert again.unlooked == looked.unlooked


@pytest.mark.parametrize("small", [saved.SMALL, 0])
def test_steps_are_put_together_over_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    monkeypatch.setattr(saved, "SMALL", small)  # of 0 bytes, no run is held in memory
    pl.DataFrame({"response": ["a"], "reward": [1]}).write_parquet(tmp_path / "step-000007.parquet")
    mixed = pl.DataFrame({"step": [7, 3, None, 3], "response": ["b", "c", "d", "e"], "reward": [0.5, None, 2.0, 4.0]})
    mixed.write_parquet(tmp_path / "step-000008.parquet")
    found = Rollouts(sorted(tmp_path.glob("*.parquet")))
    assert (found.steps, found.height) == ([3, 7], 5)
    tables = [part.to_dict(as_series=False) for part in found.by_step("response", "reward", "none")]
    assert tables == [
        {"step": [3, 3], "response": ["c", "e"], "reward": [None, 4.0]},
        {"step": [7, 7], "response": ["a", "b"], "reward": [1.0, 0.5]},
        {"step": [None], "response": ["d"], "reward": [2.0]},
    ]
    assert [part["response"].to_list() for part in found.by_step("response", steps=[7])] == [["a", "b"]]
    assert (found.has("reward"), found.has("none"), found.has("none", "step")) == (True, False, True)


def test_what_is_made_once_is_made_once() -> None:
    calls = []
    found = Rollouts()

    def make(rollouts: Rollouts, value: Any) -> Any:
        calls.append(value)
        return value

    assert [found.once(make, 1), found.once(make, 1), found.once(make, 2)] == [1, 1, 2]
    assert calls == [1, 2]


@pytest.mark.parametrize("text", ["[]", "{}", '{"found": [{}], "unlooked": {}}', '{"found": [], "unlooked": []}'])
def test_a_damaged_file_of_findings_is_named(tmp_path: Path, text: str) -> None:
    assert saved_findings(tmp_path) is None
    (tmp_path / FINDINGS_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactError, match="holds no findings"):
        saved_findings(tmp_path)
