"""Figures and their drawing, with numbers worked out by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.drawing.readable import number
from hicra.drawing.scales import nice_ticks
from hicra.metrics import METRICS
from hicra.report import charts, figures
from hicra.report.build import build_model
from hicra.report.model import ReportModel
from hicra.runs import RunFolder
from report_fakes import fake_run


def model_of(tmp_path: Path, *runs: tuple[str, list[dict[str, float | None]]]) -> ReportModel:
    paths = []
    for seed, (method, rows) in enumerate(runs):
        folder = RunFolder.create(tmp_path / f"run{seed}", method=method, seed=seed, config={})
        for step, row in enumerate(rows, 1):
            folder.log(step, row)
        paths.append(folder.path)
    return build_model(paths)


def parse(svg: str) -> ElementTree.Element:
    """Inline SVG as XML; a page's SVG needs no namespace, XML does."""
    return ElementTree.fromstring(
        svg if "xmlns=" in svg else svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    )


def test_mean_over_seeds_with_gaps(tmp_path: Path) -> None:
    model = model_of(
        tmp_path,
        ("none", [{"hicra/length": 10.0}, {"hicra/length": None}, {"hicra/length": 30.0}]),
        ("none", [{"hicra/length": 20.0}, {"hicra/length": None}, {"hicra/length": None}]),
    )
    figure = figures.length(model)
    assert isinstance(figure, figures.Figure)
    (line,) = figure.panels[0].lines
    assert line.mean == line.bold == (15.0, None, 30.0)
    assert line.faint == ((10.0, None, 30.0), (20.0, None, None))


def test_a_run_whose_words_were_counted_says_words(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", method="observed", seed=0, config={"counts": "words"})
    folder.log(100, {"hicra/length": 10.0, "hicra/planning_share": 0.25})
    found, share = figures.length(build_model([folder.path])), figures.share(build_model([folder.path]))
    assert isinstance(found, figures.Figure)
    assert found.panels[0].unit == "words"
    assert isinstance(share, figures.Figure)
    assert found.shows == "Mean number of words of a response."
    assert share.shows == "Share of the words that are planning words."
    tokens = figures.length(model_of(tmp_path, ("none", [{"hicra/length": 10.0}])))
    assert isinstance(tokens, figures.Figure)
    assert tokens.panels[0].unit == "tokens"
    assert "policy tokens of a response, including the end token" in tokens.shows


def test_ratio_is_over_each_runs_own_first_value(tmp_path: Path) -> None:
    rows = [
        [{"hicra/ppl_planning": None}, {"hicra/ppl_planning": a}, {"hicra/ppl_planning": b}]
        for a, b in ((2.0, 1.0), (4.0, 3.0))
    ]
    figure = figures.perplexity(model_of(tmp_path, ("none", rows[0]), ("none", rows[1])))
    assert isinstance(figure, figures.Figure)
    line = figure.panels[0].lines[0]
    assert line.mean == (None, 1.0, 0.625)  # (0.5 + 0.75) / 2
    assert line.first == 3.0
    assert figure.panels[1].lines[0].mean == (None, 3.0, 2.0)


def test_absent_metrics_are_named(tmp_path: Path) -> None:
    model = model_of(
        tmp_path, ("none", [{"hicra/accuracy": 0.5, "hicra/entropy_planning": 1.0, "hicra/ppl_planning": None}])
    )
    drawn, missing = figures.all_figures(model)
    assert [figure.key for figure in drawn] == ["accuracy", "entropy"]
    assert "hicra/entropy_execution" in drawn[1].notes[-1]
    assert ("ppl_planning", "ppl_execution") in [entry.metrics for entry in missing]


def test_captions_come_from_the_table_of_metrics(tmp_path: Path) -> None:
    known = {metric.name: metric.meaning for metric in METRICS}
    drawn, _ = figures.all_figures(build_model([fake_run(tmp_path / "run", steps=2)]))
    shown = " ".join(figure.shows for figure in drawn)
    for name in ("accuracy", "entropy_planning", "semantic_entropy_rarefied", "advantage_mean_after", "pass_at_K"):
        assert known[f"hicra/{name}"] in shown


def test_further_metrics_have_figures_of_their_own(tmp_path: Path) -> None:
    found, rest = figures.others(model_of(tmp_path, ("none", [{f"hicra/x{i:02}": 1.0 for i in range(50)}])))
    assert len(found) == figures.MAX_OTHERS
    assert found[0].title == "x00"
    assert rest == [f"x{i:02}" for i in range(40, 50)]


def test_smoothing_keeps_lines_and_gaps() -> None:
    line = tuple(float(i) for i in range(40))
    assert figures.smooth(line) == pytest.approx(line)  # a centred mean leaves a straight line alone
    gap = (*line[:20], None, *line[21:])
    assert figures.smooth(gap)[20] is None
    assert figures.smooth((1.0, 5.0)) == (1.0, 5.0)


def test_long_runs_are_thinned(tmp_path: Path) -> None:
    model = model_of(tmp_path, ("none", [{"hicra/length": float(step)} for step in range(1, 1001)]))
    figure = figures.length(model)
    assert isinstance(figure, figures.Figure)
    panel = figure.panels[0]
    assert len(panel.x) <= figures.MAX_POINTS
    assert panel.lines[0].mean == panel.x  # the mean of the steps 1..1000 at the mean step


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_span_the_range(low: float, width: float) -> None:
    ticks = nice_ticks(low, low + width)
    slack = 1e-6 * (abs(low) + width)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + width - slack
    assert 2 <= len(ticks) <= 12


def test_numbers_as_people_read_them() -> None:
    assert [number(value) for value in (0.0, -0.0001, 1e-9, 3.14159, 123.456, -1234567.0)] == [
        "0",
        "−1e−4",
        "1e−9",
        "3.142",
        "123.5",
        "−1\u202f234\u202f567",
    ]
    assert number(0.2712, percent=True) == "27.1\u00a0%"


def test_line_chart_is_well_formed_and_says_what_it_shows(tmp_path: Path) -> None:
    runs = [fake_run(tmp_path / f"{method}{seed}", method, seed, 15) for method in ("none", "hicra") for seed in (0, 1)]
    drawn, missing = figures.all_figures(build_model(runs))
    assert len(drawn) == 8
    assert not missing
    for figure in drawn:
        for panel in figure.panels:
            svg = parse(charts.line_chart(figure, panel))
            tags = [element.tag.split("}")[1] for element in svg.iter()]
            assert tags.count("title") == tags.count("desc") == 1
            classes = [element.get("class", "") for element in svg.iter()]
            assert sum(name.startswith("bold") for name in classes) == 2 * len(panel.lines)  # legend and curve
            assert sum(name.startswith("faint") for name in classes) == sum(len(line.faint) for line in panel.lines)
    assert "at step 1" in charts.describe(drawn[0], drawn[0].panels[0])


def test_what_stays_at_0_has_no_axis_below_0(tmp_path: Path) -> None:
    figure = figures.length(model_of(tmp_path, ("none", [{"hicra/length": 0.0}] * 3)))
    assert isinstance(figure, figures.Figure)
    assert "\u2212" not in charts.line_chart(figure, figure.panels[0])
    figure = figures.length(model_of(tmp_path / "other", ("none", [{"hicra/length": -1.0}, {"hicra/length": 1.0}])))
    assert isinstance(figure, figures.Figure)
    assert "\u2212" in charts.line_chart(figure, figure.panels[0])


@pytest.mark.parametrize(
    "rows", [[{"hicra/length": 5.0}], [{"hicra/length": 0.0}] * 3, [{"hicra/length": -1e300}, {"hicra/length": 1e300}]]
)
def test_odd_curves_are_drawn(tmp_path: Path, rows: list[dict[str, float | None]]) -> None:
    figure = figures.length(model_of(tmp_path, ("none", rows)))
    assert isinstance(figure, figures.Figure)
    assert "nan" not in charts.line_chart(figure, figure.panels[0])


def test_rollout_figure_bars_by_hand() -> None:
    svg = parse(charts.rollout_figure(["let", " us", " 4"], [True, True, False], [0.5] * 3, [0.6, 0.6, 0.5]))
    bars = [element for element in svg.iter() if element.tag.endswith("rect") and element.get("rx") == "1.5"]
    heights = [float(bar.get("height", 0)) for bar in bars]
    assert heights[0] == heights[1] == 50.0  # the tallest bar
    assert heights[2] == pytest.approx(50.0 * 5 / 6, abs=0.1)
    texts = [element.text for element in svg.iter() if element.tag.endswith("text")]
    assert "+0.6" in texts
    assert "+0.5" in texts
    assert [text for text in texts if text in ("let", "us", "4")] == ["let", "us", "4"]


def test_rollout_figure_rows_are_balanced() -> None:
    svg = parse(charts.rollout_figure(["abcde"] * 17, [False] * 17, [0.5] * 17, [0.5] * 17))
    tops = [element.get("y") for element in svg.iter() if element.tag.endswith("text") and element.text == "abcde"]
    assert [tops.count(top) for top in dict.fromkeys(tops)] == [9, 8]  # 16 would fit in one row


def test_rollout_figure_negative_long_and_wrong_input() -> None:
    svg = charts.rollout_figure(["a\nb"] * 200, [True] * 200, [-0.5] * 200, [-0.4] * 200)
    assert "110 more tokens" in svg
    assert "a\u21b5b" in svg
    parse(svg)
    parse(charts.rollout_figure(["x"], [False], [0.0], [float("nan")]))
    with pytest.raises(ValueError, match="one entry a token"):
        charts.rollout_figure(["x"], [True, False], [0.0], [0.0])
    with pytest.raises(ValueError, match="at least one"):
        charts.rollout_figure([], [], [], [])
