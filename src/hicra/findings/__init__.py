"""Findings say in a plain sentence, with its figures, what a run shows and what goes wrong in it.

To add one, write a file here with a function `(Evidence) -> Finding | None` and one line in the table below. A function says None
where the run does not hold what it needs; where it looked and saw nothing wrong, it says so in a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hicra.findings.coverage_drift import coverage_drift
from hicra.findings.error_types import error_types
from hicra.findings.finding import Evidence, Finding, judgement
from hicra.findings.fork_overlap import fork_overlap
from hicra.findings.length import length_hacking, truncation
from hicra.findings.lexicon_hacking import lexicon_hacking
from hicra.findings.mask import mask_empty, mask_wide
from hicra.findings.no_gradient import no_gradient
from hicra.findings.phases import phases
from hicra.findings.sensitivity import sensitivity
from hicra.findings.stages import stages
from hicra.findings.template_collapse import template_collapse

__all__ = ["FINDINGS", "Evidence", "Finding", "findings", "told"]

FINDINGS: tuple[Callable[[Evidence], Finding | None], ...] = (
    lexicon_hacking,
    template_collapse,
    length_hacking,
    no_gradient,
    truncation,
    coverage_drift,
    mask_empty,
    mask_wide,
    phases,
    fork_overlap,
    sensitivity,
    stages,
    error_types,
    judgement,
)


def told(found: Iterable[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Parts findings in those to tell, the alarms first, and those that were looked for and not seen."""
    found = list(found)
    seen = [one for one in found if one.alarm is not False]
    return sorted(seen, key=lambda one: not one.alarm), [one for one in found if one.alarm is False]


def findings(evidence: Evidence) -> list[Finding]:
    """Returns what every function of the table has to say of a run, in the table's order."""
    return [found for look in FINDINGS if (found := look(evidence)) is not None]
