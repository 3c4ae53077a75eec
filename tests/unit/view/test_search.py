"""Finding rollouts among all of them: by numbers, by words, by grams, sorted and in pages, with a table small enough to check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hicra.errors import ArtifactError, ConfigError
from hicra.runs import RunFolder
from hicra.view.index import RolloutIndex, make_index
from hicra.view.page import make_view
from hicra.view.search import Query, Search
from signal_fakes import signal_folder

SPANS = pl.List(pl.Struct({"start": pl.Int64, "end": pl.Int64, "gram": pl.String}))
# arm, step, prompt, response, correct, reward
ROWS = [
    (0, 1, "one", "Let us add", True, 1.0),
    (0, 1, "two", "we STOP here", False, 0.0),
    (0, 2, "one", "100% of it_", None, None),
    (1, 1, "two", "let us stop", True, 0.5),
    (1, 9, "one", "", False, -1.0),
]


def write(path: Path, arm: int) -> Path:
    folder = RunFolder.create(path / f"run{arm}", method=("none", "hicra")[arm], seed=0, config={})
    for step in sorted({row[1] for row in ROWS if row[0] == arm}):
        rows = [
            {
                "step": step, "prompt": prompt, "response": response, "correct": correct, "reward": reward, "answer": "17",
                "spans": [{"start": 0, "end": 6, "gram": "let us"}] if response.lower().startswith("let us") else [],
            }
            for number, at, prompt, response, correct, reward in ROWS
            if number == arm and at == step
        ]  # fmt: skip
        types = {"spans": SPANS, "correct": pl.Boolean, "reward": pl.Float64}
        folder.write_rollouts(step, pl.DataFrame(rows, schema_overrides=types))
    return folder.path


@pytest.fixture
def index(tmp_path: Path) -> RolloutIndex:
    return make_index([write(tmp_path, 0), write(tmp_path, 1)], [0, 1])


def found(index: RolloutIndex, **asked: str) -> list[int]:
    return Search(index).find(Query.of(asked)).tolist()


def test_the_numbers_of_every_rollout(index: RolloutIndex) -> None:
    assert index.step.tolist() == [1, 1, 2, 1, 9]
    assert index.arm.tolist() == [0, 0, 0, 1, 1]
    assert index.correct.tolist() == [1, 0, -1, 1, 0]
    assert index.length.tolist() == [3, 3, 3, 3, 0]  # words, since there are no tokens
    assert np.isnan(index.reward).tolist() == [False, False, True, False, False]
    assert [index.row(at)[1] for at in range(5)] == [0, 1, 0, 0, 0]


@pytest.mark.parametrize(("asked", "expected"), [
    ({}, [0, 1, 2, 3, 4]),
    ({"arm": "1"}, [3, 4]),
    ({"outcome": "1"}, [0, 3]),
    ({"outcome": "unknown"}, [2]),
    ({"from": "2"}, [2, 4]),
    ({"from": "2", "to": "8"}, [2]),
    ({"text": "LET US"}, [0, 3]),
    ({"text": "stop"}, [1, 3]),
    ({"text": "0% of it_"}, [2]),  # signs are signs, and no pattern
    ({"text": "."}, []),
    ({"text": "17"}, [0, 1, 2, 3, 4]),  # the gold answer
    ({"gram": "Let"}, [0, 3]),
    ({"gram": "let", "text": "add", "outcome": "1"}, [0]),
    ({"sort": "reward"}, [4, 1, 3, 0, 2]),  # -1, 0, 0.5, 1, unknown
    ({"sort": "reward", "down": "true"}, [0, 3, 1, 4, 2]),  # what is not known is last in both directions
    ({"sort": "correct", "down": "true"}, [0, 3, 1, 4, 2]),
    ({"sort": "step", "down": "true"}, [4, 2, 0, 1, 3]),  # equal ones keep their order
])  # fmt: skip
def test_what_is_found(index: RolloutIndex, asked: dict[str, str], expected: list[int]) -> None:
    assert found(index, **asked) == expected


def test_pages(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", method="none", seed=0, config={})
    folder.write_rollouts(1, pl.DataFrame([{"step": 1, "response": "x" * (number % 7)} for number in range(23)]))
    search = Search(make_index([folder.path], [0]))
    total, page, rows = search.page(Query(page=2))
    assert (total, page, rows.tolist()) == (23, 2, [20, 21, 22])
    assert search.page(Query(page=99))[1] == 2  # past the end is the last one
    assert search.page(Query(around=13))[1:][0] == 1
    assert search.page(Query(text="nowhere"))[:2] == (0, 0)


def test_twins_are_of_another_arm_on_the_same_prompt(index: RolloutIndex) -> None:
    assert [index.twin(at) for at in range(5)] == [4, 3, 4, 1, 2]  # of 4, step 9, the nearest "one" is at step 2


def test_what_is_asked_wrongly_is_named(index: RolloutIndex) -> None:
    for asked, said in (
        ({"grams": "x"}, "no filter 'grams'"), ({"sort": "prompt"}, "sorted by 'prompt'"), ({"arm": "x"}, "arm is 'x'"),
        ({"outcome": "maybe"}, "outcome 'maybe'"), ({"text": "x" * 401}, "400 letters"), ({"from": "9" * 30}, "from is"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=said):
            Query.of(asked)


def test_a_file_that_was_written_again_is_not_read_as_the_old_one(index: RolloutIndex) -> None:
    search = Search(index)
    assert search.find(Query(text="let")).tolist() == [0, 3]
    pl.DataFrame({"step": [1], "response": ["another"]}).write_parquet(index.shards[0].path)
    assert search.find(Query(text="let")).tolist() == [0, 3]  # an answer that is kept
    with pytest.raises(ArtifactError, match="has changed since"):
        search.find(Query(text="us"))


def test_a_measured_signal_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no rollouts"):
        make_view([signal_folder(tmp_path / "signal")])


def test_bad_run_folders_are_named(tmp_path: Path) -> None:
    empty = RunFolder.create(tmp_path / "empty", method="none", seed=0, config={})
    with pytest.raises(ArtifactError, match="no saved rollouts"):
        make_index([empty.path], [0])
    (tmp_path / "secret.parquet").write_bytes(b"mine")
    (empty.path / "rollouts").mkdir(exist_ok=True)
    (empty.path / "rollouts" / "step-000001.parquet").symlink_to(tmp_path / "secret.parquet")
    with pytest.raises(ArtifactError, match="leads out of"):
        make_index([empty.path], [0])
    (empty.path / "rollouts" / "step-000001.parquet").unlink()
    (empty.path / "rollouts" / "step-000001.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(ArtifactError, match="not readable as parquet"):
        make_index([empty.path], [0])


def test_without_a_prompt_twins_have_the_same_id(tmp_path: Path) -> None:
    runs = []
    for name in ("a", "b"):
        folder = RunFolder.create(tmp_path / name, method=name, seed=0, config={})
        folder.write_rollouts(
            1, pl.DataFrame({"step": [1] * 3, "id": ["q1", f"only {name}", None], "response": ["x"] * 3})
        )
        runs.append(folder.path)
    index = make_index(runs, [0, 1])
    assert [index.twin(at) for at in range(6)] == [3, None, None, 0, None, None]
