"""What each finding needs of a run, so that one that could not be looked at is named with its reason and never passed over.

A need is a function of the evidence that returns the empty text where it is met, and else what is missing, in words.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from hicra.drawing.readable import counted
from hicra.findings.curves import LEAST_STEPS, curve
from hicra.findings.finding import Evidence
from hicra.findings.gram_use import are_spans

Need = Callable[[Evidence], str]
LEAST_SAVED = 6  # two in each third


def metric_steps(*names: str, least: int = LEAST_STEPS) -> Need:
    """Asks that so many steps have one of these metrics."""

    def missing(evidence: Evidence) -> str:
        most = max(len(curve(evidence, name)[0]) for name in names)
        listed = " or ".join(name.removeprefix("hicra/") for name in names)
        if most >= least:
            return ""
        return (
            f"{counted(most, 'step has', 'steps have')} {listed}, and it takes {least}"
            if most
            else f"no step has {listed}"
        )

    return missing


def saved_steps(least: int = LEAST_SAVED) -> Need:
    """Asks for the rollouts of so many steps."""

    def missing(evidence: Evidence) -> str:
        steps = len(evidence.rollouts.steps)
        return "" if steps >= least else f"the rollouts are of {counted(steps, 'step')}, and it takes {least}"

    return missing


def column(name: str, what: str) -> Need:
    """Asks that some rollout has a value in this column."""

    def missing(evidence: Evidence) -> str:
        return "" if evidence.rollouts.has(name) else f"no rollout says {what} (column {name})"

    return missing


def entropies_and_mask(evidence: Evidence) -> str:
    """Asks for the entropies of tokens; what finds spans makes the mask where there are any."""
    entropies, mask = (
        column("entropies", "the entropies of its tokens"),
        column("planning_mask", "which of its tokens plan"),
    )
    return entropies(evidence) or mask(evidence)


def spans(evidence: Evidence) -> str:
    """Asks for the spans of a tagger."""
    rollouts = evidence.rollouts
    known = are_spans(rollouts.schema.get("spans", pl.Null())) and rollouts.has("spans")
    return "" if known else "no rollout has its planning spans"


def rewards_of_groups(evidence: Evidence) -> str:
    """Asks for rewards, for prompts with several rollouts each, and for steps."""
    if not evidence.rollouts.has("reward", "correct"):
        return "no rollout has a reward or a verdict (columns reward, correct)"
    if not evidence.rollouts.has("group_id", "prompt"):
        return "no rollout says which prompt it answers (columns group_id, question)"
    if evidence.stepless:
        return "no rollout has a step (column step), so nothing says that a model is trained on them; see mixed_groups"
    return "each prompt has one rollout in a step, and it takes two"


def verdicts(evidence: Evidence) -> str:
    """Asks for a reward or a verdict."""
    known = evidence.rollouts.has("reward", "correct")
    return "" if known else "no rollout has a reward or a verdict (columns reward, correct)"
