"""Puts the finding on whether a run plans more, or only writes more, at the top of the page, its first sentence in bold."""

from __future__ import annotations

from collections.abc import Mapping

from hicra.drawing.readable import shorten
from hicra.findings.planning_change import NAME
from hicra.report.encode import clean
from hicra.report.model import Run
from hicra.report.verdict import OpeningLine


def planning_line(run: Run) -> list[OpeningLine]:
    """Returns the sentence on planning and length, or nothing where the run could not be looked at."""
    lead, rest = _parts(run)
    return [OpeningLine(lead, rest, link="findings")] if lead else []


def planning_of_each(runs: Mapping[str, Run]) -> list[OpeningLine]:
    """Returns one line with the first sentence of each run that could be looked at, by its name on the page."""
    told = [f"{shorten(name, 40)}: {lead}" for name, run in runs.items() if (lead := _parts(run)[0])]
    return [OpeningLine("Does each plan more at its end?", " ".join(told), link="findings")] if told else []


def _parts(run: Run) -> tuple[str, str]:
    """Returns the first sentence of the finding and the others; "" where the run could not be looked at."""
    found = next((one for one in run.findings if one.name == NAME), None)
    if found is None:
        return "", ""
    lead = clean(str(found.figures["lead"]))  # as the text of each finding is
    return lead, found.text.removeprefix(lead).strip()
