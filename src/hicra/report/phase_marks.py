"""Marks in the curves where a run's phases end and begin, as its finding on phases says (findings/phases.py, FINDING-2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hicra.report.figures import Figure, Mark
from hicra.report.model import ReportModel

SHOWN = ("entropy", "perplexity", "semantic", "length")  # the figures that the phases are read off
MAX_RUNS = 2  # with more, the bands would hide the curves
_PHASES = (("first_phase_ends", "first phase ends"), ("second_phase_begins", "second phase begins"))
_NOTE = "A shaded band is the 95 % interval of the step at which a phase ends or begins, by the finding on phases."


def with_phases(figures: Sequence[Figure], model: ReportModel) -> list[Figure]:
    """Returns the figures, those of the four curves with the phases of the runs marked in them."""
    marks = phase_marks(model)
    return [
        replace(
            figure,
            panels=tuple(replace(panel, marks=marks) for panel in figure.panels),
            notes=(*figure.notes, _NOTE),
        )
        if marks and figure.key in SHOWN
        else figure
        for figure in figures
    ]


def phase_marks(model: ReportModel) -> tuple[Mark, ...]:
    """Returns a mark for each phase that a run has; none where there are many runs, or none has phases."""
    if len(model.runs) > MAX_RUNS:
        return ()
    found = []
    for run in model.runs:
        figures = next((one.figures for one in run.findings if one.name == "phases"), {})
        for key, label in _PHASES:
            value: Any = figures.get(key)
            if _is_step(value):
                at, low, high = map(float, value)
                found.append(Mark(run.arm, at, low, high, label))
    return tuple(found)


def _is_step(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(isinstance(end, int | float) for end in value)
