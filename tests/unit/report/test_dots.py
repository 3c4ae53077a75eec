"""Pages of one step: values as dots, no word of curves, first steps or early and late."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from hicra.report import build_report, charts, figures
from hicra.report.build import build_model
from hicra.report.dots import dot_chart
from hicra.runs import RunFolder


def run_of(path: Path, steps: dict[int, dict[str, float | None]], method: str = "observed") -> Path:
    folder = RunFolder.create(path, method=method, seed=0, config={"counts": "words"})
    for step, row in steps.items():
        folder.log(step, row)
    rows = [{"response": "so let us try it", "spans": [{"start": 3, "end": 13, "gram": "let us try"}]}]
    for step in steps:
        folder.write_rollouts(step, pl.DataFrame(rows))
    return folder.path


def test_dots_by_hand(tmp_path: Path) -> None:
    paths = [run_of(tmp_path / name, {1: {"hicra/accuracy": value}}) for name, value in (("a", 0.25), ("b", 0.5))]
    figure = figures.accuracy(build_model(paths))
    assert isinstance(figure, figures.Figure)
    svg = dot_chart(figure, figure.panels[0])
    # the axis goes from 0 at 10 to 60 % at 390, so 1 % is 6.333 pixels: 25 % at 168.3, 50 % at 326.7
    assert re.findall('<circle cx="([0-9.]+)" cy="([0-9.]+)" r="5.5"/>', svg) == [("168.3", "32"), ("326.7", "72")]
    assert ">25\u00a0%</text>" in svg
    assert ">b</text>" in svg
    assert figure.read == "Higher is better."


def test_a_page_of_one_step(tmp_path: Path) -> None:
    row = {"hicra/accuracy": 0.25, "hicra/length": 4.0, "hicra/semantic_entropy": 2.0}
    build_report([run_of(tmp_path / "a", {7: row})], tmp_path / "one.html")
    page = (tmp_path / "one.html").read_text(encoding="utf-8")
    text = re.sub("<script.*?</script>", "", page, flags=re.S)
    assert "1 run, step 7, 1 rollout." in text
    assert '<h2 id="curves-h">Values</h2>' in text
    assert "The values are those of step 7." in text
    for absent in ("steps 7 to 7", "early", "at the start", "ratio to the first step", "The start is", "bold line"):
        assert absent not in text
    assert text.count('class="chart"') >= 3
    build_report([run_of(tmp_path / "b", {7: row, 8: row})], tmp_path / "two.html")
    page = (tmp_path / "two.html").read_text(encoding="utf-8")
    for there in ("steps 7 to 8", ">early<", "25\u00a0% at the start", "The start is the first step.", "bold line"):
        assert there in page


@pytest.mark.parametrize("value", [0.0, -1e300, 1e300, 1e-12])
def test_odd_values_are_drawn(value: float, tmp_path: Path) -> None:
    figure = figures.length(build_model([run_of(tmp_path / "a", {1: {"hicra/length": value}})]))
    assert isinstance(figure, figures.Figure)
    assert "nan" not in dot_chart(figure, figure.panels[0])


def test_a_point_that_no_line_joins_is_a_dot(tmp_path: Path) -> None:
    lengths = {1: 4.0, 2: None, 3: 5.0, 4: 6.0}
    figure = figures.length(
        build_model([run_of(tmp_path / "a", {at: {"hicra/length": x} for at, x in lengths.items()})])
    )
    assert isinstance(figure, figures.Figure)
    svg = charts.line_chart(figure, figure.panels[0])
    assert len(re.findall("<circle ", svg)) == 1
    assert 'r="3.5"' in svg


def test_words_of_the_axes_have_places_of_their_own(tmp_path: Path) -> None:
    figure = figures.length(build_model([run_of(tmp_path / "a", {at: {"hicra/length": 400.0} for at in (200, 1000)})]))
    assert isinstance(figure, figures.Figure)
    svg = charts.line_chart(figure, figure.panels[0])
    found = re.findall('<text x="([0-9.]+)" y="([0-9.]+)"[^>]*>([^<]+)</text>', svg)
    places = {words: (float(x), float(y)) for x, y, words in found}
    ticks = [place for words, place in places.items() if words not in ("step", "words")]
    assert places["words"][1] < min(y for _, y in ticks)
    assert places["step"][1] > max(y for _, y in ticks)
    assert places["step"][0] == 217  # the middle of 46 and 388
    assert "1\u202f000" in places
