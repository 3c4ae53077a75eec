"""Puts the finding on whether a run plans more, or only writes more, at the top of the page, its first sentence in bold."""

from __future__ import annotations

from hicra.findings.planning_change import NAME
from hicra.report.encode import clean
from hicra.report.model import Run
from hicra.report.verdict import OpeningLine


def planning_line(run: Run) -> list[OpeningLine]:
    """Returns the sentence on planning and length, or nothing where the run could not be looked at."""
    found = next((one for one in run.findings if one.name == NAME), None)
    if found is None:
        return []
    lead = clean(str(found.figures["lead"]))  # as the text of each finding is
    return [OpeningLine(lead, found.text.removeprefix(lead).strip(), link="findings")]
