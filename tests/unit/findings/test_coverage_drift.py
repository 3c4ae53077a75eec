"""Coverage drift, by exact labels and by spans alone: shares counted by hand."""

from __future__ import annotations

import polars as pl
import pytest

from evidence_made import evidence_of
from hicra.findings import Evidence
from hicra.findings.coverage_drift import coverage_drift

SPAN = pl.Struct({"start": pl.Int64, "end": pl.Int64, "gram": pl.String})


def labelled(*marked: int) -> Evidence:
    """A saved step for each number: of ten plan tokens so many are marked; that of execution counts nowhere."""
    rows = [
        {"step": step, "labels": ["plan"] * 9 + ["reflect", "execute"], "planning_mask": [1] * n + [0] * (10 - n) + [1]}
        for step, n in enumerate(marked, 1)
    ]
    return evidence_of([], pl.DataFrame(rows))


def spanned(*covered: int) -> Evidence:
    """A saved step for each number: of ten responses so many hold a gram."""
    rows = [
        {"step": step, "spans": [{"start": 0, "end": 1, "gram": "a"}] if i < n else []}
        for step, n in enumerate(covered, 1)
        for i in range(10)
    ]
    return evidence_of([], pl.DataFrame(rows, schema={"step": pl.Int64, "spans": pl.List(SPAN)}))


@pytest.mark.parametrize("make", [labelled, spanned])
@pytest.mark.parametrize(
    ("shares", "alarm"),
    [
        ((9, 8, 9, 8, 7, 7, 5, 6, 5), True),  # 0.867 to 0.533
        ((9, 8, 9, 8, 8, 8, 8, 7, 7), False),  # 0.867 to 0.733 is more than four fifths
        ((9, 1, 8, 5, 5, 5, 1, 8, 2), False),  # 0.6 to 0.367, but the steps differ too much to be sure
        ((5, 5, 5, 5, 5, 5, 9, 9, 9), False),
    ],
)
def test_by_hand(make, shares: tuple[int, ...], alarm: bool) -> None:
    found = coverage_drift(make(*shares))
    assert found is not None
    assert found.alarm is alarm
    assert found.figures["exact"] is (make is labelled)
    assert found.figures["coverage"] == pytest.approx([sum(shares[:3]) / 30, sum(shares[-3:]) / 30])


def test_labels_that_do_not_fit_the_mask_are_passed_over() -> None:
    rows = pl.concat(labelled(*[9] * 6).rollouts.by_step("labels", "planning_mask"))
    odd = pl.DataFrame({"step": [1], "labels": [["plan"] * 4], "planning_mask": [[0] * 5]})
    found = coverage_drift(evidence_of([], pl.concat([rows, odd])))
    assert found is not None
    assert found.figures["coverage"] == pytest.approx([0.9, 0.9])


def test_without_labels_and_spans_or_with_few_steps_it_says_nothing() -> None:
    assert coverage_drift(evidence_of([], pl.DataFrame({"step": [1]}))) is None
    assert coverage_drift(spanned(9, 1)) is None
