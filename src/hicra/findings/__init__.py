"""Findings say in a plain sentence, with its figures, what a run shows and what goes wrong in it.

To add one, write a file here with a function `(Evidence) -> Finding | None` and one line in the table below. A function says None
where the run does not hold what it needs; where it looked and saw nothing wrong, it says so in a finding.
"""

from __future__ import annotations

from collections.abc import Callable

from hicra.findings.error_types import error_types
from hicra.findings.finding import Evidence, Finding
from hicra.findings.fork_overlap import fork_overlap
from hicra.findings.sensitivity import sensitivity
from hicra.findings.stages import stages

__all__ = ["FINDINGS", "Evidence", "Finding", "findings"]

FINDINGS: tuple[Callable[[Evidence], Finding | None], ...] = (
    fork_overlap,
    sensitivity,
    error_types,
    stages,
)


def findings(evidence: Evidence) -> list[Finding]:
    """Returns what every function of the table has to say of a run, in the table's order."""
    return [found for look in FINDINGS if (found := look(evidence)) is not None]
