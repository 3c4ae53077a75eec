"""Coverage drift: the lexicon was made from other responses than the policy writes now, and misses more of the planning.

Deviations:
FINDING-7. Where the task gives the exact function of each token (`labels`), coverage is the share of plan and reflect tokens that
    the planning mask marks. Elsewhere it is the share of responses that hold a gram at all, which is all that can be known
    without labels. The alarm is where coverage fell by a fifth from the start to the end (parts as in FINDING-1), and surely.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

from hicra.arrays import Floats
from hicra.drawing.readable import number
from hicra.findings.curves import rise
from hicra.findings.examples import at_end, examples
from hicra.findings.finding import Evidence, Finding, Headline
from hicra.findings.gram_use import are_spans, run_gram_use
from hicra.findings.saved import Rollouts

NAME = "coverage_drift"
LOST = 0.8  # coverage at the end over that at the start
PLANNING = ("plan", "reflect")
THEN = "hicra mine ROLLOUTS -o lexicon"


def coverage_drift(evidence: Evidence) -> Finding | None:
    """Compares coverage at the end with that at the start; None where neither labels nor spans are known, or too few steps."""
    exact = _of_labels(evidence.rollouts)
    if exact is None:
        use = evidence.rollouts.once(run_gram_use)
        if use is None:
            return None
        steps, covered = use.steps, use.covered
        what = "of the responses hold a gram of the lexicon"
    else:
        steps, covered = exact
        what = "of the plan and reflect tokens are marked, by the exact labels of the task"
    change = rise(steps, covered)
    if not math.isfinite(change.low):
        return None
    figures = {
        "saved_steps": len(steps), "coverage": [change.first, change.last], "exact": exact is not None,
        "change": [change.change, change.low, change.high], "threshold": LOST,
    }  # fmt: skip
    headline = Headline("change of the lexicon's coverage from start to end", change.change, change.low, change.high)
    went = f"{number(change.last, True)} {what}, {number(change.first, True)} at the start of the run"
    if change.last <= LOST * change.first and change.high < 0:
        text = f"The lexicon covers less and less: {went}. Mine it again from the responses of now."
        return Finding(NAME, text, figures, True, headline, _without_a_gram(evidence.rollouts), THEN)
    return Finding(NAME, f"No large and sure loss of coverage: {went}.", figures, False, headline)


def _without_a_gram(rollouts: Rollouts) -> tuple[dict[str, Any], ...]:
    """Rollouts of the end of the run in which the lexicon finds nothing, the longest first."""
    if not are_spans(rollouts.schema.get("spans", pl.Null())):
        return ()
    long = [pl.col("response").str.len_chars()] if rollouts.schema.get("response") == pl.String else []
    return examples(rollouts, (pl.col("spans").list.len() == 0) & at_end(rollouts.steps), long)


def _of_labels(rollouts: Rollouts) -> tuple[Floats, Floats] | None:
    """Returns the saved steps [S] and the share of plan and reflect tokens that are marked; None without exact labels."""
    if not {"step", "labels", "planning_mask"} <= set(rollouts.schema):
        return None
    labels, mask = rollouts.schema["labels"], rollouts.schema["planning_mask"]
    if not (isinstance(labels, pl.List) and labels.inner == pl.String and isinstance(mask, pl.List)):
        return None
    fits = pl.col("labels").list.len() == pl.col("planning_mask").list.len()
    steps, shares = [], []
    for table in rollouts.by_step("labels", "planning_mask"):
        tokens = table.filter(fits, pl.col("step").is_not_null()).explode("labels", "planning_mask")
        share = (tokens.filter(pl.col("labels").is_in(PLANNING))["planning_mask"] == 1).mean()
        if share is not None:
            steps.append(float(table["step"][0]))
            shares.append(share)
    return (np.array(steps), np.array(shares, np.float64)) if steps else None
