"""What could not be looked for, and why; the rollouts that are named; and that every command exists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

import hicra.findings as package
from evidence_made import evidence_of
from hicra.cli import VERBS
from hicra.errors import ArtifactError
from hicra.findings import FINDINGS, NEEDS, Finding, look
from hicra.findings.examples import at_end, examples
from hicra.findings.finding import Headline
from hicra.findings.intervals import INTERVALS, save_intervals, saved_intervals
from hicra.findings.saved import Rollouts


def test_nothing_at_all_names_every_one_with_a_reason() -> None:
    looked = look(evidence_of([], pl.DataFrame()))
    assert looked.found == []
    assert set(looked.unlooked) == {function.__name__ for function in NEEDS}
    assert all(looked.unlooked.values())
    assert looked.unlooked["truncation"] == "no rollout says whether it was cut (column truncated)"
    assert looked.unlooked["lexicon_hacking"] == "no step has planning_share; no step has accuracy"


def test_every_finding_has_its_needs_but_those_of_one_task_and_of_what_a_model_is_asked() -> None:
    assert {function.__name__ for function in set(FINDINGS) - set(NEEDS)} == {
        "error_types",
        "learning_signal",
        "judgement",
    }
    assert set(NEEDS) <= set(FINDINGS)
    assert len(FINDINGS) >= 12


def test_the_reason_has_the_number_that_is_there() -> None:
    metrics = [{"step": step, "hicra/planning_share": 0.2, "hicra/accuracy": 0.5} for step in range(1, 11)]
    rows = pl.DataFrame({"step": [1, 2], "response": ["a", "b"], "correct": [True, False], "prompt": ["p", "p"]})
    why = look(evidence_of(metrics, rows)).unlooked
    assert (
        why["lexicon_hacking"]
        == "10 steps have planning_share, and it takes 20; 10 steps have accuracy, and it takes 20"
    )
    assert why["template_collapse"] == "no rollout has its planning spans; the rollouts are of 2 steps, and it takes 6"
    assert why["no_gradient"] == "each prompt has one rollout in a step, and it takes two"
    assert "mask_wide" not in why


# ---- the rollouts that show it
ROWS = pl.DataFrame({"step": [1, 1, 2, 2, 2], "id": ["a", "b", "c", None, "e"], "size": [1, 9, 5, None, 9]})
RUN = Rollouts([ROWS])


def test_examples_are_numbered_within_their_step() -> None:
    found = examples(RUN, pl.col("step") == 2)
    assert found == (
        {"step": 2, "row": 1, "id": "c"},
        {"step": 2, "row": 2, "id": None},
        {"step": 2, "row": 3, "id": "e"},
    )
    assert [one["id"] for one in examples(RUN, pl.lit(True), [pl.col("size")], most=3)] == ["b", "e", "c"]
    assert examples(RUN, pl.col("size") > 100) == ()
    assert examples(Rollouts([ROWS.drop("step")]), pl.lit(True)) == ()
    assert [one["id"] for one in examples(Rollouts([ROWS.drop("id")]), pl.col("size") == 5)] == [None]


def test_prompts_take_turns() -> None:
    table = pl.DataFrame(
        {"step": [1] * 5, "id": list("abcde"), "group_id": ["x", "x", "x", "y", "z"], "size": [5, 9, 7, 1, 3]}
    )
    rows = Rollouts([table])
    assert [one["id"] for one in examples(rows, pl.lit(True), most=4)] == ["a", "d", "e", "b"]
    assert [one["id"] for one in examples(rows, pl.lit(True), [pl.col("size")])] == ["b", "e", "d", "c", "a"]


def test_the_end_is_the_part_that_trends_compare() -> None:
    rows = pl.DataFrame({"step": [*range(1, 10), None]})
    assert rows.filter(at_end(Rollouts([rows]).steps))["step"].to_list() == [7, 8, 9]  # the last third of nine
    assert rows.clear().filter(at_end([])).is_empty()


# ---- how it is written
def test_the_headline_is_json_and_never_infinite() -> None:
    whole = Finding(
        "n", "t", {}, True, Headline("what", 0.5, 0.25, 0.75), ({"step": 1, "row": 2, "id": None},), "hicra verify X"
    )
    assert whole.as_json()["headline"] == {"what": "what", "value": 0.5, "interval": [0.25, 0.75]}
    assert whole.as_json()["rollouts"] == [{"step": 1, "row": 2, "id": None}]
    for ends in ((None, None), (0.1, None), (float("-inf"), float("inf"))):
        assert Headline("what", 0.5, *ends).as_json()["interval"] is None
    json.dumps(whole.as_json(), allow_nan=False)


def test_every_command_names_a_verb_that_exists() -> None:
    folder = Path(package.__file__).parent
    commands = {said for path in folder.glob("*.py") for said in re.findall(r'"(hicra [a-z][^"]*)"', path.read_text())}
    assert len(commands) >= 5
    assert all(any(said.removeprefix("hicra ").startswith(verb) for verb in VERBS) for said in commands), commands


# ---- the file of intervals
def test_intervals_go_into_the_run_folder_and_back(tmp_path: Path) -> None:
    intervals = {1: {"hicra/accuracy": [0.25, 0.75]}, 5: {}}
    assert saved_intervals(tmp_path) == {}
    save_intervals(tmp_path, intervals)
    assert saved_intervals(tmp_path) == intervals


@pytest.mark.parametrize("line", ["no json", "[1]", '{"hicra/accuracy": [0, 1]}', '{"step": 1, "hicra/accuracy": [0]}'])
def test_a_damaged_file_of_intervals_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / INTERVALS).write_text('{"step": 1}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(ArtifactError, match=rf"{INTERVALS} line 2 holds no intervals"):
        saved_intervals(tmp_path)
