"""Findings say in a plain sentence, with its figures, what a run shows and what goes wrong in it.

To add one, write a file here with a function `(Evidence) -> Finding | None` and one line in the table below. A function says None
where the run does not hold what it needs; where it looked and saw nothing wrong, it says so in a finding. What it needs stands in
the table `NEEDS`, so that `look` can say why a run could not be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from hicra.findings.coverage_drift import coverage_drift
from hicra.findings.entropy_collapse import entropy_collapse
from hicra.findings.error_types import error_types
from hicra.findings.finding import Evidence, Finding, Looked, judgement
from hicra.findings.fork_overlap import fork_overlap
from hicra.findings.gram_turnover import gram_turnover
from hicra.findings.learning_signal import learning_signal
from hicra.findings.length import length_hacking, truncation
from hicra.findings.lexicon_hacking import lexicon_hacking
from hicra.findings.mask import mask_empty, mask_wide
from hicra.findings.needs import (
    Need,
    column,
    entropies_and_mask,
    metric_steps,
    rewards_of_groups,
    saved_steps,
    spans,
    verdicts,
)
from hicra.findings.no_gradient import no_gradient
from hicra.findings.phases import phases
from hicra.findings.planning_change import planning_change
from hicra.findings.repetition import repetition
from hicra.findings.reward_errors import reward_errors
from hicra.findings.sensitivity import sensitivity
from hicra.findings.stages import stages
from hicra.findings.template_collapse import template_collapse

__all__ = ["FINDINGS", "NEEDS", "Evidence", "Finding", "Looked", "findings", "look", "told"]

Look = Callable[[Evidence], Finding | None]

FINDINGS: tuple[Look, ...] = (
    planning_change,
    lexicon_hacking,
    template_collapse,
    length_hacking,
    no_gradient,
    truncation,
    repetition,
    reward_errors,
    entropy_collapse,
    coverage_drift,
    mask_empty,
    mask_wide,
    gram_turnover,
    phases,
    fork_overlap,
    sensitivity,
    stages,
    learning_signal,
    error_types,
    judgement,
)

_SHARE = metric_steps("hicra/planning_share", least=1)
# error_types is for one task alone, learning_signal and judgement for runs of which a model was asked: none is missed elsewhere
NEEDS: Mapping[Look, tuple[Need, ...]] = {
    planning_change: (spans, saved_steps(2)),
    lexicon_hacking: (metric_steps("hicra/planning_share"), metric_steps("hicra/accuracy")),
    template_collapse: (spans, saved_steps()),
    length_hacking: (metric_steps("hicra/length"), metric_steps("hicra/accuracy")),
    no_gradient: (rewards_of_groups,),
    truncation: (column("truncated", "whether it was cut"),),
    repetition: (column("response", "its text"),),
    reward_errors: (verdicts,),
    entropy_collapse: (
        metric_steps("hicra/entropy_planning", "hicra/entropy_execution", "hicra/ppl_planning", "hicra/ppl_execution"),
    ),
    coverage_drift: (spans, saved_steps()),
    mask_empty: (_SHARE,),
    mask_wide: (_SHARE,),
    gram_turnover: (spans, saved_steps()),
    phases: (metric_steps("hicra/ppl_execution", "hicra/entropy_execution", "hicra/semantic_entropy", "hicra/length"),),
    fork_overlap: (entropies_and_mask,),
    sensitivity: (spans,),
    stages: (column("entropies", "the entropies of its tokens"), metric_steps("hicra/accuracy")),
}
_SHORT = "the run holds too little of what it counts"


def look(evidence: Evidence) -> Looked:
    """Asks every function of the table what it has to say of a run, and why one of them has nothing to say."""
    found, unlooked = [], {}
    for function in FINDINGS:
        if (finding := function(evidence)) is not None:
            found.append(finding)
        elif function in NEEDS:
            missing = [said for need in NEEDS[function] if (said := need(evidence))]
            unlooked[function.__name__] = "; ".join(missing) or _SHORT
    return Looked(found, unlooked)


def told(found: Iterable[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Parts findings in those to tell, the alarms first, and those that were looked for and not seen."""
    found = list(found)
    seen = [one for one in found if one.alarm is not False]
    return sorted(seen, key=lambda one: not one.alarm), [one for one in found if one.alarm is False]


def findings(evidence: Evidence) -> list[Finding]:
    """Returns what every function of the table has to say of a run, in the table's order."""
    return look(evidence).found
