"""Makes the page that `hicra view` serves: the report of the runs, whose viewer asks for rollouts instead of holding them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from hicra.drawing import theme
from hicra.drawing.readable import counted, number
from hicra.errors import ArtifactError
from hicra.report.build import build_model
from hicra.report.encode import script_json
from hicra.report.model import ReportModel
from hicra.report.pack import shown_parts
from hicra.report.report import render_page
from hicra.report.shell import Served
from hicra.view.index import RolloutIndex, make_index
from hicra.view.search import SORTS

MOST_FOR_FINDINGS = 20_000  # rollouts: looking for findings in more keeps the reader waiting
MOST_GRAMS = 200


@dataclass(frozen=True)
class View:
    """What is served: the page as text, the model that it was made from, and the index of all rollouts."""

    page: str
    model: ReportModel
    index: RolloutIndex


def make_view(runs: Sequence[Path]) -> View:
    """Reads run folders and makes their page.

    Raises:
        ArtifactError, DataError: a run folder is unreadable or holds no rollouts.
    """
    model = build_model(runs, most_for_findings=MOST_FOR_FINDINGS)
    if not model.runs:
        raise ArtifactError(f"{runs[0]} holds a measured signal and no rollouts", f"`hicra report {runs[0]}` shows it")
    index = make_index([run.path for run in model.runs], [run.arm for run in model.runs])
    steps = [int(index.step.min()), int(index.step.max())]
    units = {one.unit for one in model.rollouts}
    data = script_json(
        {
            "remote": True, "total": len(index), "sorts": list(SORTS), "arms": list(model.labels), "colours": theme.ARMS,
            "runs": [run.name for run in model.runs], "steps": steps, "unit": units.pop() if len(units) == 1 else "length",
            "has": shown_parts(model.rollouts), "grams": [{"gram": gram.text} for gram in model.grams[:MOST_GRAMS]],
            "labels": [], "prompts": [], "rollouts": [],
        }
    )  # fmt: skip
    said = f"All {number(float(len(index)))} rollouts can be searched, filtered and sorted here."
    served = Served(
        (files("hicra.view") / "static" / "remote.js").read_text(encoding="utf-8"),
        f"Served by hicra view from {counted(len(model.runs), 'run folder')}, on this machine alone. This page asks that "
        "program for rollouts and loads nothing else.",
    )
    return View(render_page(model, data, said, served), model, index)
