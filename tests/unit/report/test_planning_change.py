"""Whether a policy plans more at the end of a run, with numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.findings.intervals import save_intervals
from hicra.report.answer import answer
from hicra.report.build import build_model
from hicra.report.planning_change import difference, planning_line
from hicra.report.sections import glance
from hicra.runs import RunFolder

Ends = list[float]


def run_of(path: Path, *shares: tuple[float, Ends | None]) -> Path:
    folder = RunFolder.create(path, method="observed", seed=0, config={"counts": "words"})
    for step, (share, _) in enumerate(shares, 1):
        folder.log(step, {"hicra/planning_share": share, "hicra/length": 100.0 * step})
    save_intervals(
        path,
        {
            step: {"hicra/planning_share": ends, "hicra/length": [100.0 * step - 30, 100.0 * step + 40]}
            for step, (_, ends) in enumerate(shares, 1)
            if ends
        },
    )
    return path


@pytest.mark.parametrize(("last", "lead"), [
    ((0.4, [0.35, 0.5]), "It plans more."),
    ((0.25, [0.15, 0.35]), "Whether it plans more cannot be told."),
    ((0.05, [0.04, 0.06]), "It plans less."),
])  # fmt: skip
def test_the_sentence_rests_on_the_interval(last: tuple[float, Ends], lead: str, tmp_path: Path) -> None:
    path = run_of(tmp_path / "run", (0.2, [0.1, 0.3]), (0.9, None), last)
    model = build_model([path])
    (line,) = planning_line(model.runs[0])
    assert line.lead == lead
    assert answer(model, glance(model))["beside"].count(line) == 1


def test_figures_by_hand(tmp_path: Path) -> None:
    (line,) = planning_line(build_model([run_of(tmp_path / "run", (0.2, [0.1, 0.3]), (0.4, [0.35, 0.5]))]).runs[0])
    # 0.2 - hypot(0.05, 0.1) = 0.0882 and 0.2 + hypot(0.1, 0.1) = 0.3414; 100 - hypot(30, 40) = 50, 100 + hypot(40, 30) = 150
    assert "20\u00a0% at step 1 and 40\u00a0% at step 2: +20.0 points (95\u00a0% interval +8.8 to +34.1)" in line.text
    assert "from 100 to 200 words: +100 (+50 to +150)" in line.text


def test_without_two_intervals_nothing_is_said(tmp_path: Path) -> None:
    assert planning_line(build_model([run_of(tmp_path / "run", (0.2, [0.1, 0.3]), (0.4, None))]).runs[0]) == []


@given(st.floats(-10, 10), st.floats(-10, 10), *[st.floats(0, 5)] * 4)
def test_the_interval_holds_the_difference_and_turns_with_it(
    a: float, b: float, down: float, up: float, below: float, above: float
) -> None:
    before, after = (a, a - down, a + up), (b, b - below, b + above)
    low, high = difference(before, after)
    assert low <= b - a + 1e-9
    assert high >= b - a - 1e-9
    assert difference(after, before) == pytest.approx((-high, -low))
