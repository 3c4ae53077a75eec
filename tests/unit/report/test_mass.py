"""Advantage mass by kind, added up by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra.report.build import build_model
from hicra.report.mass import Mass, masses
from hicra.report.mass_figures import mass_bars, mass_curve
from hicra.report.report import render
from hicra.runs import RunFolder

ROWS: list[dict[str, Any]] = [
    {"response": "a b c", "advantage": 0.5, "advantages": [0.6, 0.5, 0.5], "planning_mask": [1, 0, 0]},
    {"response": "a b", "advantage": -0.5, "advantages": [-0.4, -0.5], "planning_mask": [1, 0]},
]


def run_of(path: Path, method: str, *steps: list[dict[str, Any]]) -> RunFolder:
    folder = RunFolder.create(path, method=method, seed=0, config={})
    for step, rows in enumerate(steps, 1):
        folder.log(step, {"hicra/accuracy": 0.5})
        folder.write_rollouts(step, pl.DataFrame([{"step": step, **row} for row in rows]))
    return folder


def test_sums_by_hand(tmp_path: Path) -> None:
    found = masses(run_of(tmp_path / "run", "hicra", ROWS, ROWS[:1]))
    # step 1: planning 0.5 + 0.5 before and 0.6 + 0.4 after, execution 0.5 three times before and after
    assert found[1].parts() == pytest.approx((1.0, 1.5, 1.0, 1.5))
    assert found[2].parts() == pytest.approx((0.5, 1.0, 0.6, 1.0))
    assert found[2].shares() == pytest.approx((1 / 3, 0.375))
    assert Mass().shares() == (None, None)


def test_what_does_not_fit_is_left_out(tmp_path: Path) -> None:
    odd = [
        {**ROWS[0], "advantages": [0.6]},
        {**ROWS[0], "advantages": [math.nan, 0.5, 0.5]},
        {**ROWS[0], "advantage": None},
    ]
    found = masses(run_of(tmp_path / "run", "hicra", [ROWS[0], *odd]))
    assert found[1].parts() == pytest.approx((0.5, 2.0, 0.6, 2.0))  # of the second odd row, the tokens that are known
    bare = run_of(tmp_path / "bare", "hicra", [{"response": "a"}])
    assert masses(bare) == {}
    text = run_of(tmp_path / "text", "hicra", [{**ROWS[0], "advantages": ["a", "b", "c"]}])
    assert masses(text) == {}


def test_the_figures_of_the_mass(tmp_path: Path) -> None:
    paths = [run_of(tmp_path / name, name, ROWS[:1], ROWS[:1]).path for name in ("none", "hicra")]
    model = build_model(paths)
    bars = mass_bars(model)
    assert bars is not None
    assert [row[:3] for row in bars["table"]["rows"]][2:] == [
        ["HICRA, before", "33.3\u00a0%", "66.7\u00a0%"],
        ["HICRA, after", "37.5\u00a0%", "62.5\u00a0%"],
    ]
    assert 'width="112.5"' in bars["charts"][0]["svg"]  # 0.375 of 300 pixels
    (curve,) = mass_curve(model)
    assert [line.label for line in curve.panels[0].lines][2:] == ["HICRA · after", "HICRA · before"]
    assert curve.panels[0].lines[2].mean == pytest.approx((0.375, 0.375))
    page = render(model)
    assert 'id="figure-mass"' in page
    assert 'id="figure-mass-steps"' in page


def test_without_advantages_there_is_no_figure(tmp_path: Path) -> None:
    model = build_model([run_of(tmp_path / "run", "observed", [{"response": "a"}]).path])
    assert mass_bars(model) is None
    assert mass_curve(model) == []
