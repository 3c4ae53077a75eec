"""Lexicon hacking: all three signs make an alarm and two do not; simulated runs of known kind; figures by hand."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from evidence_made import evidence_of
from hicra.findings import Evidence
from hicra.findings.lexicon_hacking import lexicon_hacking
from sim_lexicon_hacking import fired

STEPS = 40
SPAN = pl.Struct({"start": pl.Int64, "end": pl.Int64, "gram": pl.String})


def run(
    share: tuple[float, float] = (0.1, 0.3),
    accuracy: tuple[float, float] = (0.4, 0.4),
    grams: tuple[str, str] = ("ab", "aaab"),
) -> Evidence:
    """40 steps in two halves: share and accuracy jump at the middle, and so do the grams of the one response of each step."""
    metrics = [
        {"step": step, "hicra/planning_share": share[step > STEPS // 2], "hicra/accuracy": accuracy[step > STEPS // 2]}
        for step in range(1, STEPS + 1)
    ]
    spans = [[{"start": 2 * i, "end": 2 * i + 1, "gram": gram} for i, gram in enumerate(half)] for half in grams]
    rows: list[dict[str, Any]] = [{"step": step, "spans": spans[step > STEPS // 2]} for step in range(1, STEPS + 1)]
    return evidence_of(metrics, pl.DataFrame(rows, schema={"step": pl.Int64, "spans": pl.List(SPAN)}))


def test_all_three_signs_make_an_alarm_with_figures_by_hand() -> None:
    found = lexicon_hacking(run())
    assert found is not None
    assert found.alarm is True
    assert found.figures["planning_share"] == pytest.approx([0.1, 0.3])
    assert found.figures["accuracy_closed"] == 0
    # a took 1 of 2 occurrences and takes 3 of 4; of 4 occurrences 2 repeat a gram of their response
    assert found.figures["grams"] == [{"gram": "a", "first": 0.5, "last": 0.75}]
    assert found.figures["template"] == ["a", "a", "a", "b"]
    repetition = next(one for one in found.figures["concentration"] if one["way"] == "repetition")
    assert (repetition["first"], repetition["last"], repetition["sure"]) == (0, 0.5, True)
    for part in (
        "10\u00a0%",
        "30\u00a0%",
        "stands still at 40\u00a0%",
        '"a" (50\u00a0% to 75\u00a0%)',
        "0\u00a0% to 50\u00a0%",
    ):
        assert part in found.text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"share": (0.1, 0.14)}, "rise is not both large and sure"),  # 1.4 times
        ({"share": (0.3, 0.1)}, "rise is not both large and sure"),
        ({"accuracy": (0.4, 0.75)}, "accuracy does not surely stand still"),  # 0.35 of 0.6 is more than half
        ({"grams": ("ab", "abc")}, "grams do not surely concentrate"),
    ],
)
def test_two_signs_are_no_alarm(change: dict[str, Any], why: str) -> None:
    found = lexicon_hacking(run(**change))
    assert found is not None
    assert found.alarm is False
    assert why in found.text


def test_without_spans_the_semantic_entropy_tells() -> None:
    def with_entropy(last: float) -> Evidence:
        metrics = [{**row, "hicra/semantic_entropy": 2.0 if row["step"] <= 20 else last} for row in run().metrics]
        return evidence_of(metrics, pl.DataFrame())

    # e^2 = 7.389 grams; 4/5 of them are e^(2 - 0.2231)
    for last, alarm in ((1.75, True), (1.8, False)):
        found = lexicon_hacking(with_entropy(last))
        assert found is not None
        assert found.alarm is alarm
    nothing = lexicon_hacking(evidence_of(run().metrics, pl.DataFrame()))
    assert nothing is not None
    assert "no semantic entropy and no spans are known" in nothing.text


def test_short_runs_and_runs_without_accuracy_say_nothing() -> None:
    whole = run()
    assert lexicon_hacking(evidence_of(whole.metrics[:19], whole.rollouts)) is None
    unjudged = [{**row, "hicra/accuracy": None} for row in whole.metrics]
    assert lexicon_hacking(evidence_of(unjudged, whole.rollouts)) is None


@pytest.mark.slow
def test_simulated_runs() -> None:
    """The small form of benchmarks/sim_lexicon_hacking.py: 8 runs of each kind, 40 steps."""
    seeds = range(8)
    assert len(fired("hacked", seeds, 40)) >= 6
    assert len(fired("plain", seeds, 40)) <= 1
    assert len(fired("healthy", seeds, 40)) <= 1
