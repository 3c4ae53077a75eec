"""Entropy collapse by kind: the model has become nearly certain of its planning tokens, so it no longer tries other strategies.

That token entropy falls on execution tokens alone is no failure: the paper sees it in healthy runs, as the first of two phases.
What it warns of is a single figure over all tokens, which falls with execution while strategies stay varied. So the kinds are
read apart, and the semantic entropy beside them.

Deviations:
FINDING-10. The entropy of a kind has collapsed where it fell, surely, to at most a quarter of that of the start (parts as in
    FINDING-1). Where rollouts have no entropies, the mean negative log-probability of the sampled tokens stands for them, which
    has the same expectation when sampled at temperature 1. A collapse of planning tokens is an alarm, unless accuracy closed at
    least half of what was left to be right (FINDING-1): a run that has learnt its task may be certain. Of execution tokens alone
    it is told, and is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from hicra.arrays import Floats
from hicra.drawing.readable import number
from hicra.findings.curves import LEAST_STEPS, Rise, curve, rise
from hicra.findings.examples import at_end, examples
from hicra.findings.finding import Evidence, Finding, Headline
from hicra.findings.saved import Rollouts
from hicra.findings.standstill import LEARNT, standstill
from hicra.metrics.kinds import KINDS

NAME = "entropy_collapse"
LEFT = 0.25  # of the entropy at the start
THEN = "hicra methods entropy_regularised"


def entropy_collapse(evidence: Evidence) -> Finding | None:
    """Compares both kinds at the end with the start; None where fewer than 20 steps have entropies or log-probabilities."""
    source, curves = _curves(evidence)
    if not curves:
        return None
    rises = {kind: rise(*of) for kind, of in curves.items()}
    collapsed = [kind for kind, one in rises.items() if one.first > 0 and one.last <= LEFT * one.first and one.high < 0]
    told = "planning" if "planning" in rises else "execution"
    worst = rises[told]
    figures: dict[str, Any] = {
        "source": source, "collapsed": collapsed, "threshold": LEFT, "semantic_entropy": _semantic(evidence),
        **{kind: {"entropy": [one.first, one.last], "change": [one.change, one.low, one.high]} for kind, one in rises.items()},
    }  # fmt: skip
    headline = Headline(
        f"change of the token entropy of {told} tokens from start to end, in nats", worst.change, worst.low, worst.high
    )
    went = " and ".join(_went(kind, one) for kind, one in rises.items())
    went += "" if source == "entropies" else " (read off the log-probabilities of the sampled tokens)"
    still = standstill(evidence)
    learnt = still is not None and still.closed >= LEARNT
    figures["learnt"] = learnt
    if "planning" in collapsed and learnt:
        text = (
            f"The model has become certain of how it plans, and has learnt most of its task: token entropy went {went}."
        )
        return Finding(NAME, text + _said(figures["semantic_entropy"]), figures, None, headline)
    if "planning" in collapsed:
        shown = _most_certain(evidence.rollouts, source)
        text = f"The model has become certain of how it plans: token entropy went {went}.{_said(figures['semantic_entropy'])}"
        text += " A loss that keeps the entropy up, or a higher clip range, holds against it."
        return Finding(NAME, text, figures, True, headline, shown, THEN)
    if collapsed:
        text = f"The model has become certain of how it executes, not of how it plans: token entropy went {went}. The paper sees "
        return Finding(
            NAME, f"{text}this in healthy runs.{_said(figures['semantic_entropy'])}", figures, None, headline
        )
    return Finding(NAME, f"No collapse: token entropy went {went}.", figures, False, headline)


def _curves(evidence: Evidence) -> tuple[str, dict[str, tuple[Floats, Floats]]]:
    """Returns where entropies come from, and the curve of each kind of which enough steps know them."""
    found = {kind: curve(evidence, f"hicra/entropy_{kind}") for kind in KINDS}
    known = {kind: of for kind, of in found.items() if len(of[0]) >= LEAST_STEPS}
    if known:
        return "entropies", known
    found = {kind: curve(evidence, f"hicra/ppl_{kind}") for kind in KINDS}
    return "logprobs", {
        kind: (steps, np.log(values))
        for kind, (steps, values) in found.items()
        if len(steps) >= LEAST_STEPS and values.min() > 0
    }


def _semantic(evidence: Evidence) -> list[float] | None:
    """The semantic entropy at the start and at the end, rarefied where there is that; None with too few steps."""
    for name in ("hicra/semantic_entropy_rarefied", "hicra/semantic_entropy"):
        steps, values = curve(evidence, name)
        if len(steps) >= LEAST_STEPS:
            change = rise(steps, values)
            return [change.first, change.last]
    return None


def _said(semantic: list[float] | None) -> str:
    if semantic is None:
        return ""
    return (
        f" Semantic entropy, the variety of the grams, went from {number(semantic[0])} to {number(semantic[1])} nats."
    )


def _went(kind: str, one: Rise) -> str:
    return f"from {number(one.first)} to {number(one.last)} nats on {kind} tokens"


def _most_certain(rollouts: Rollouts, source: str) -> tuple[Mapping[str, Any], ...]:
    """The rollouts of the end with the lowest mean entropy, or the highest mean log-probability."""
    dtype = rollouts.schema.get(source)
    if not (isinstance(dtype, pl.List) and dtype.inner.is_numeric()):
        return ()
    mean = pl.col(source).list.mean() * (-1 if source == "entropies" else 1)
    return examples(rollouts, at_end(rollouts.steps) & mean.is_not_null(), [mean])
