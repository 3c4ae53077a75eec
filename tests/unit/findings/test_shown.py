"""Every alarm has its figure with an interval, the rollouts that show it, and a command; on runs whose answers are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from evidence_made import evidence_of
from hicra.findings import Evidence, Finding
from hicra.findings.coverage_drift import coverage_drift
from hicra.findings.length import length_hacking, truncation
from hicra.findings.lexicon_hacking import lexicon_hacking
from hicra.findings.mask import mask_empty, mask_wide
from hicra.findings.no_gradient import no_gradient
from hicra.findings.template_collapse import template_collapse

SPANS = pl.List(pl.Struct({"start": pl.Int64, "end": pl.Int64, "gram": pl.String}))
STEPS = 40


def spans(*grams: str) -> list[dict[str, Any]]:
    return [{"start": 2 * i, "end": 2 * i + 1, "gram": gram} for i, gram in enumerate(grams)]


def course(**of: tuple[float, float]) -> list[dict[str, Any]]:
    """40 steps; each metric jumps at the middle."""
    return [
        {"step": step, **{f"hicra/{name}": ends[step > STEPS // 2] for name, ends in of.items()}}
        for step in range(1, STEPS + 1)
    ]


def rows(early: list[dict[str, Any]], late: list[dict[str, Any]], steps: int = STEPS) -> pl.DataFrame:
    """The same rows at each step of a half; the n-th of step 7 has the id "7-n"."""
    table = [
        {"step": step, "id": f"{step}-{number}", **row}
        for step in range(1, steps + 1)
        for number, row in enumerate(late if step > steps // 2 else early, 1)
    ]
    schema = {"spans": SPANS} if "spans" in table[0] else {}
    return pl.DataFrame(table, schema_overrides=schema, infer_schema_length=None)


def hacked() -> Evidence:
    late = [{"spans": spans("b")}, {"spans": spans("a", "a", "a", "b")}]
    return evidence_of(
        course(planning_share=(0.1, 0.3), accuracy=(0.4, 0.4)), rows([{"spans": spans("a", "b")}] * 2, late)
    )


def collapsed() -> Evidence:
    early = [{"spans": spans("b")}, {"spans": spans("c")}, {"spans": spans("d")}, {"spans": spans("a", "b")}]
    return evidence_of([], rows(early, [{"spans": spans("b", "a")}, *[{"spans": spans("a", "b")}] * 3]))


def long_winded() -> Evidence:
    late = [
        {"response": "a" * 90, "correct": True},
        {"response": "a" * 50, "correct": False},
        {"response": "a" * 70, "correct": False},
    ]
    return evidence_of(course(length=(100, 130), accuracy=(0.5, 0.5)), rows([{"response": "a", "correct": True}], late))


def cut() -> Evidence:
    return evidence_of([], rows([{"truncated": False}] * 2, [{"truncated": False}, {"truncated": True}]))


def no_group_differs() -> Evidence:
    right = {"x": False, "y": True, "z": False}
    of_step = [{"group_id": name, "reward": float(ok), "correct": ok} for name, ok in right.items() for _ in range(2)]
    return evidence_of([], rows(of_step, of_step, 2))


def drifted() -> Evidence:
    late = [{"spans": spans("a"), "response": "a"}, {"spans": [], "response": "bb"}, {"spans": [], "response": "ccc"}]
    return evidence_of([], rows([{"spans": spans("a"), "response": "a"}], late))


def unmarked() -> Evidence:
    return evidence_of(course(planning_share=(0.0, 0.0)), rows([{"spans": []}], [{"spans": []}]))


def too_wide() -> Evidence:
    row = [{"response": "abcd", "planning_chars": 1}, {"response": "abcd", "planning_chars": 3}]
    return evidence_of(course(planning_share=(0.6, 0.8)), rows(row, row))


Look = Callable[[Evidence], Finding | None]


@pytest.mark.parametrize(
    ("look", "evidence", "value", "ids"),
    [
        # of 40 steps the first and the last fifth, 8 each, are compared; the first rollouts named are those of step 33
        (lexicon_hacking, hacked(), 0.2, ["33-2", "34-2", "35-2", "36-2", "37-2"]),
        (template_collapse, collapsed(), 0.5, ["33-2", "33-3", "33-4", "34-2", "34-3"]),  # 1 of 4, then 3 of 4
        (length_hacking, long_winded(), 30, ["33-3", "34-3", "35-3", "36-3", "37-3"]),
        (truncation, cut(), 0.5, ["33-2", "34-2", "35-2", "36-2", "37-2"]),
        (
            no_gradient,
            no_group_differs(),
            1.0,
            ["1-1", "1-5", "2-1", "2-5"],
        ),  # all wrong in two of three groups of each step
        (coverage_drift, drifted(), -2 / 3, ["33-3", "34-3", "35-3", "36-3", "37-3"]),
        (mask_empty, unmarked(), 0.0, ["1-1", "2-1", "3-1", "4-1", "5-1"]),
        (mask_wide, too_wide(), 0.7, ["1-2", "2-2", "3-2", "4-2", "5-2"]),
    ],
)
def test_alarms(look: Look, evidence: Evidence, value: float, ids: list[str]) -> None:
    found = look(evidence)
    assert found is not None
    assert found.alarm is True
    assert found.headline is not None
    assert found.headline.value == pytest.approx(value)
    assert found.headline.low is not None
    assert found.headline.high is not None
    assert found.headline.low - 1e-12 <= value <= found.headline.high + 1e-12
    assert [one["id"] for one in found.rollouts] == ids
    assert found.then.startswith("hicra ")


def test_a_single_step_takes_the_interval_over_its_prompts() -> None:
    metrics = [{"step": 3, "hicra/planning_share": 0.7}]
    found = mask_wide(evidence_of(metrics, pl.DataFrame(), intervals={3: {"hicra/planning_share": [0.6, 0.8]}}))
    assert found is not None
    assert found.as_json()["headline"]["interval"] == [0.6, 0.8]
    alone = mask_wide(evidence_of(metrics, pl.DataFrame()))
    assert alone is not None
    assert alone.as_json()["headline"]["interval"] is None


def test_the_command_fits_the_reason() -> None:
    def then(**columns: Any) -> str:
        row = {"group_id": "g", "reward": 0.0, "correct": False, **columns}
        found = no_gradient(evidence_of([], rows([row] * 2, [row] * 2, 2)))
        assert found is not None
        return found.then

    assert "dynamic_sampling" in then()
    assert "max_new_tokens" in then(truncated=True)
    assert "corpus inspect" in then(correct=None)
