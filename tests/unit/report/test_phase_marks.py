"""Phases are marked in the curves they are read off, at the steps that the finding gives."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from hicra.findings import Finding
from hicra.report import charts, figures
from hicra.report.build import build_model
from hicra.report.figures import Figure, Mark
from hicra.report.model import ReportModel
from hicra.report.phase_marks import phase_marks, with_phases
from hicra.runs import RunFolder


def model_of(path: Path, phases: dict[str, object]) -> ReportModel:
    folder = RunFolder.create(path, method="none", seed=0, config={})
    for step in range(1, 12):
        folder.log(step, {"hicra/length": 10.0 + step, "hicra/accuracy": 0.5})
    model = build_model([folder.path])
    found = (Finding("phases", "text", phases),)
    return replace(model, runs=(replace(model.runs[0], findings=found),))


def test_marks_and_where_they_are_drawn(tmp_path: Path) -> None:
    model = model_of(tmp_path / "run", {"first_phase_ends": [6.0, 3.5, 8.5], "second_phase_begins": None})
    assert phase_marks(model) == (Mark(0, 6.0, 3.5, 8.5, "first phase ends"),)
    drawn = {one.key: one for one in with_phases(figures.all_figures(model)[0], model)}
    assert drawn["accuracy"].panels[0].marks == ()
    length = drawn["length"]
    assert isinstance(length, Figure)
    assert "finding on phases" in length.notes[-1]
    svg = charts.line_chart(length, length.panels[0])
    # steps 1 to 11 stand at 46 to 388, so a step is 34.2 pixels: 3.5 at 131.5, 5 steps wide is 171, 6 at 217
    assert re.search('class="phase" x="131.5" y="28" width="171"', svg)
    assert 'd="M217 28V208" class="middle"' in svg or 'class="middle" d="M217 28V208"' in svg


def test_odd_figures_and_many_runs_mark_nothing(tmp_path: Path) -> None:
    model = model_of(
        tmp_path / "run", {"first_phase_ends": "soon", "second_phase_begins": [1.0, None, 2.0], "steps": 11}
    )
    assert phase_marks(model) == ()
    marked = model_of(tmp_path / "other", {"first_phase_ends": [6.0, 3.5, 8.5]})
    assert phase_marks(replace(marked, runs=marked.runs * 3)) == ()
