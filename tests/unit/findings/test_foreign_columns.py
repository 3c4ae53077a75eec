"""Run folders that others wrote: a column that is absent, null or of another type is as good as none, and never a crash."""

import json

import polars as pl
import pytest

import hicra.findings as package
from evidence_made import evidence_of
from hicra.findings.error_types import error_types
from hicra.findings.fork_overlap import fork_overlap
from hicra.findings.sensitivity import sensitivity
from hicra.findings.stages import stages

pytestmark = pytest.mark.slow

TABLE = {
    "step": [1, 2],
    "prompt": ["<bos> beads 13 16 14 goal 11 :"] * 2,
    "response": ["let us dip climb answer none"] * 2,
    "correct": [False, True],
    "group_id": ["a", "b"],
    "entropies": [[1.0, 2.0]] * 2,
    "logprobs": [[-1.0, -2.0]] * 2,
    "planning_mask": [[0, 1]] * 2,
    "token_ends": [[3, 28]] * 2,
    "reward": [0.0, 1.0],
    "truncated": [True, False],
    "answer": ["none", "7"],
    "id": ["x", "y"],
    "planning_chars": [3, 9],
    "n_tool_calls": [0, 1],
    "repeated": [0.7, None],
    "spans": [[{"start": at, "end": at + 1, "gram": f"g{at}"} for at in range(5)]] * 2,
}
METRICS = [{"step": step, "hicra/accuracy": min(step, 12) / 20} for step in range(1, 25)]
NEEDS = {
    fork_overlap: {"step", "entropies", "planning_mask"},
    sensitivity: {"step", "response", "spans"},
    stages: {"step", "entropies"},
    error_types: {"step", "prompt", "response", "correct"},
}
FOREIGN = {
    "null": pl.Series([None, None]), "text": pl.Series(["x", "y"]), "float": pl.Series([0.5, float("nan")]),
    "texts": pl.Series([["x"], ["y"]]), "struct": pl.Series([{"a": 1}, {"a": 2}]),
    "empty": pl.Series([[], []], dtype=pl.List(pl.Int64)),
    "nulls": pl.Series([[None, None], [None, 1]], dtype=pl.List(pl.Int64)), "bytes": pl.Series([b"\xff", b""]),
    "structs": pl.Series([[{"start": None, "end": 4, "gram": "a"}], [{"start": 3, "end": 99, "gram": None}]]),
    "outside": pl.Series([[{"start": -4, "end": 400, "gram": "a"}, {"start": 300, "end": 20, "gram": "b"}]] * 2),
}  # fmt: skip


def look(finding, table, config=None):
    found = finding(evidence_of(METRICS, table, config or {"task": {"name": "plan_execute"}}))
    if found is not None:
        json.dumps(dict(found.figures), allow_nan=False)
    return found


@pytest.mark.parametrize("finding", NEEDS)
def test_the_whole_table_is_enough_and_each_needed_column_is_needed(finding):
    whole = pl.DataFrame(TABLE)
    assert look(finding, whole) is not None
    for name in TABLE:
        assert (look(finding, whole.drop(name)) is None) == (name in NEEDS[finding])


SIX_STEPS = pl.concat([pl.DataFrame(TABLE).with_columns(step=pl.lit(step, pl.Int64)) for step in range(1, 7)])
COURSE = [
    {
        "step": step,
        "hicra/accuracy": 0.5,
        "hicra/planning_share": 0.0,
        "hicra/length": 9.0 + step,
        "hicra/entropy_planning": 1 / step,
    }
    for step in range(1, 25)
]


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_columns_do_no_harm(name, kind):
    """All findings on six steps; with the metrics of a long run, which take longest, where the column names rollouts."""
    table = SIX_STEPS.with_columns(pl.concat([FOREIGN[kind]] * 6).alias(name))
    metrics = COURSE if name in ("step", "id") else COURSE[:6]
    looked = package.look(evidence_of(metrics, table, {"task": {"name": "plan_execute"}}))
    assert {one.name for one in looked.found} | set(looked.unlooked)
    json.dumps([one.as_json() for one in looked.found], allow_nan=False)


@pytest.mark.parametrize("task", ["plan_execute", 3, None, {}, {"name": None}])
def test_foreign_configs_do_no_harm(task):
    look(error_types, pl.DataFrame(TABLE), {"task": task})


@pytest.mark.parametrize("settings", [7, None, {"attempts": "two"}, {"hints": 1}])
def test_settings_of_another_version_are_said(settings):
    found = look(error_types, pl.DataFrame(TABLE), {"task": {"name": "plan_execute", "settings": settings}})
    assert "cannot be told apart" in found.text


def test_a_step_that_is_not_known_is_left_out():
    table = pl.DataFrame(TABLE | {"step": [1, None]})
    assert look(fork_overlap, table).figures["rollouts"] == 1
    assert look(error_types, table).figures["periods"][0]["steps"] == [1, 1]
