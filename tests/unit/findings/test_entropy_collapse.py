"""Entropy by kind: planning tokens that become certain are an alarm, execution tokens alone are none; log-probabilities do."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest

from evidence_made import evidence_of
from hicra.findings import Evidence, Finding
from hicra.findings.entropy_collapse import entropy_collapse

STEPS = 40


def run(planning: float, execution: float, name: str = "entropy", rollouts: pl.DataFrame | None = None) -> Evidence:
    """Both kinds begin at 1 nat (a perplexity of e) and jump at the middle to these entropies."""

    def at(step: int, last: float) -> float:
        value = 1.0 if step <= STEPS // 2 else last
        return value if name == "entropy" else math.exp(value)

    rows = [
        {"step": step, f"hicra/{name}_planning": at(step, planning), f"hicra/{name}_execution": at(step, execution)}
        for step in range(1, STEPS + 1)
    ]
    return evidence_of(rows, pl.DataFrame() if rollouts is None else rollouts)


def look(evidence: Evidence) -> Finding:
    found = entropy_collapse(evidence)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["entropy", "ppl"])
@pytest.mark.parametrize(
    ("planning", "execution", "alarm", "collapsed"),
    [(0.25, 1.0, True, ["planning"]), (0.26, 0.26, False, []), (0.9, 0.1, None, ["execution"]),
     (0.1, 0.1, True, ["planning", "execution"]), (2.0, 1.0, False, [])],
)  # fmt: skip
def test_kinds(name: str, planning: float, execution: float, alarm: bool | None, collapsed: list[str]) -> None:
    found = look(run(planning, execution, name))
    assert found.alarm is alarm
    assert found.figures["collapsed"] == collapsed
    assert found.figures["source"] == ("entropies" if name == "entropy" else "logprobs")
    assert found.figures["planning"]["entropy"] == pytest.approx([1.0, planning])
    assert found.headline is not None
    assert found.headline.value == pytest.approx(planning - 1)


def test_the_rollouts_of_the_end_that_are_most_certain() -> None:
    rows: list[dict[str, Any]] = [
        {"step": step, "id": f"{step}{name}", "entropies": values}
        for step in range(1, 7)
        for name, values in (("a", [1.0, 1.0]), ("b", [0.0, 0.1]), ("c", None))
    ]
    found = look(run(0.1, 1.0, rollouts=pl.DataFrame(rows)))
    # of 6 saved steps the last third is the end; the mean of b is 0.05, that of a 1
    assert [one["id"] for one in found.rollouts] == ["5b", "6b", "5a", "6a"]
    assert found.rollouts[0] == {"step": 5, "row": 2, "id": "5b"}


@pytest.mark.parametrize(("accuracy", "alarm"), [(0.69, True), (0.71, None)])
def test_a_run_that_has_learnt_its_task_may_be_certain(accuracy: float, alarm: bool | None) -> None:
    """From 40 % right, half of what was left is 30 points."""
    rows = [{**row, "hicra/accuracy": 0.4 if row["step"] <= 20 else accuracy} for row in run(0.1, 1.0).metrics]
    assert look(evidence_of(rows, pl.DataFrame())).alarm is alarm


def test_few_steps_say_nothing() -> None:
    whole = run(0.1, 1.0)
    assert entropy_collapse(evidence_of(whole.metrics[:19], whole.rollouts)) is None


def test_semantic_entropy_is_told_beside_it() -> None:
    rows = [{**row, "hicra/semantic_entropy": 2.0 if row["step"] <= 20 else 2.5} for row in run(0.1, 1.0).metrics]
    assert "went from 2 to 2.5 nats" in look(evidence_of(rows, pl.DataFrame())).text
