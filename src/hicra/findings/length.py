"""Responses that are cut at the length limit, and responses that grow without being right more often.

Deviations:
FINDING-6. Truncation is an alarm where surely more than a tenth of the responses at the end of the run are cut (Wilson's interval
    over the saved ones), or where the cut share rose surely by 5 points. Length hacking asks for three things at once: length
    rose by a fifth, and surely; accuracy stands still, as in FINDING-1; and it closed less than half of what was left. Start
    and end are parts as in FINDING-1.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hicra.drawing.readable import number
from hicra.findings.curves import LEAST_STEPS, curve, part_size, rise
from hicra.findings.finding import Evidence, Finding
from hicra.findings.standstill import standstill
from hicra.stats import wilson_interval

CUT, CUT_MORE = 0.1, 0.05
LONGER = 1.2


def truncation(evidence: Evidence) -> Finding | None:
    """Looks for cut responses; None where the saved rollouts do not say which are cut."""
    rollouts = evidence.rollouts
    if rollouts.schema.get("truncated") != pl.Boolean or "step" not in rollouts.columns:
        return None
    known = rollouts.drop_nulls(["step", "truncated"])
    by_step = known.group_by("step").agg(pl.col("truncated").mean(), pl.len()).sort("step")
    if not by_step.height:
        return None
    share = by_step["truncated"].to_numpy()
    cut = rise(by_step["step"].to_numpy().astype(np.float64), share)
    at_end = int(by_step["len"].tail(part_size(len(share))).sum())
    sure_low, _ = wilson_interval(round(cut.last * at_end), at_end)
    figures = {
        "saved_steps": len(share), "responses_at_end": at_end, "cut": [cut.first, cut.last],
        "change": [cut.change, *_finite(cut.low, cut.high)],
        "thresholds": {"cut": CUT, "cut_more": CUT_MORE},
    }  # fmt: skip
    went = f"{number(cut.last, True)} of the responses are cut at the length limit at the end of the run"
    went += f", {number(cut.first, True)} at its start" if len(share) > 1 else ""
    if sure_low > CUT or (cut.change >= CUT_MORE and cut.low > 0):
        text = f"{went}. A response that is cut cannot be right: raise the limit, or reward shorter ones."
        if evidence.system:
            text = f"{went}. What is cut is played as it stands: raise train.max_new_tokens, or the system's own limit."
        return Finding("truncation", text, figures, alarm=True)
    few = "Few responses are cut" if cut.last <= CUT else f"It is not sure that more than {number(CUT, True)} are cut"
    return Finding("truncation", f"{few}: {went}.", figures, alarm=False)


def length_hacking(evidence: Evidence) -> Finding | None:
    """Looks for responses that grow while accuracy stands still; None where one of both is unknown, or there are few steps."""
    steps, length = curve(evidence, "hicra/length")
    still = standstill(evidence)
    if still is None or len(steps) < LEAST_STEPS:
        return None
    grew = rise(steps, length)
    figures = {
        "length": [grew.first, grew.last], "change": [grew.change, grew.low, grew.high], **still.figures(),
        "threshold": LONGER,
    }  # fmt: skip
    went = f"the mean length went from {number(grew.first)} to {number(grew.last)} {evidence.counts}"
    if grew.last >= LONGER * grew.first and grew.low > 0 and still.holds:
        text = f"Responses grow and are right no more often: {went} while {still.text()}."
        return Finding("length_hacking", text, figures, alarm=True)
    return Finding("length_hacking", f"No sign of length hacking: {went}, {still.text()}.", figures, alarm=False)


def _finite(*values: float) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values]
