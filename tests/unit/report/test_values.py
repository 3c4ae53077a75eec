"""Bands of curves, with numbers worked out by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.findings.intervals import save_intervals
from hicra.report import charts, figures
from hicra.report.build import build_model
from hicra.report.report import render
from hicra.report.values import band_of_intervals, band_of_seeds
from hicra.runs import RunFolder


def test_the_band_of_three_seeds_is_students_interval() -> None:
    # mean 2, standard deviation 1, t(2) = 4.3027, so the half width is 4.3027 / sqrt(3) = 2.4842
    (low,), (high,) = band_of_seeds([(1.0,), (2.0,), (3.0,)])
    assert low == pytest.approx(-0.4841, abs=1e-3)
    assert high == pytest.approx(4.4841, abs=1e-3)
    assert band_of_seeds([(1.0, 1.0), (2.0, None), (3.0, 3.0)])[0][1] is None  # two seeds are too few


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0, 1e3)), min_size=1, max_size=40))
def test_a_band_of_intervals_has_its_ends_in_order(ends: list[tuple[float, float]]) -> None:
    low, high = band_of_intervals([(start, start + width) for start, width in ends])
    assert len(low) == len(high) == len(ends)
    assert all(a is not None and b is not None and a <= b + 1e-6 for a, b in zip(low, high, strict=True))


def test_where_nothing_is_known_there_is_no_band() -> None:
    assert band_of_intervals([None, None]) == ((), ())
    assert band_of_intervals([None, (1.0, 2.0)]) == ((None, 1.0), (None, 2.0))


def diagnosed(path: Path) -> Path:
    folder = RunFolder.create(path, method="observed", seed=0, config={"counts": "words"})
    for step, value in ((100, 0.5), (200, 0.5), (300, 1.0)):
        folder.log(step, {"hicra/accuracy": value, "hicra/semantic_entropy": value})
    save_intervals(
        path,
        {
            100: {"hicra/accuracy": [0.25, 0.75], "hicra/semantic_entropy": [0.4, 0.6]},
            200: {"hicra/semantic_entropy": [0.4, 0.6]},
            300: {"hicra/accuracy": [0.5, 1.25]},
        },
    )
    return path


def test_a_diagnosed_run_has_the_intervals_of_its_steps(tmp_path: Path) -> None:
    model = build_model([diagnosed(tmp_path / "run")])
    figure = figures.accuracy(model)
    assert isinstance(figure, figures.Figure)
    (line,) = figure.panels[0].lines
    assert (line.low, line.high) == ((0.25, None, 0.5), (0.75, None, 1.25))
    # the axis goes from 0 at 190 to 1 at 10, since a share has no band above it; steps stand at 46, 217 and 388
    (data,) = re.findall('<path class="band a0" d="([^"]*)"', charts.line_chart(figure, figure.panels[0]))
    assert data == "M46 145V55M388 100V10"
    semantic = figures.semantic(model)
    assert isinstance(semantic, figures.Figure)
    assert semantic.panels[0].lines[0].low == (0.4, 0.4, None)
    assert all(not line.low for line in semantic.panels[1].lines)  # a ratio has none


def test_the_data_of_a_figure_hold_the_ends_of_its_band(tmp_path: Path) -> None:
    page = render(build_model([diagnosed(tmp_path / "run")]))
    table = page[page.index('id="figure-accuracy"') :]
    assert '<th scope="col" class="n" data-band="lower">accuracy, lower end</th>' in table
    cells = re.findall('<td class="n"><span class="free">([^<]*)', table)[:9]
    assert cells[:3] == ["50\u00a0%", "25\u00a0%", "75\u00a0%"]
    assert cells[4] == "\u2013"
    assert "interval over the prompts of a step" in page
