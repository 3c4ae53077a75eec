"""Responses that are cut at the length limit, and responses that grow without being right more often.

Deviations:
FINDING-6. Truncation is an alarm where surely more than a tenth of the responses at the end of the run are cut (Wilson's interval
    over the saved ones), or where the cut share rose surely by 5 points. Length hacking asks for three things at once: length
    rose by a fifth, and surely; accuracy stands still, as in FINDING-1; and it closed less than half of what was left. Start
    and end are parts as in FINDING-1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from hicra.drawing.readable import number
from hicra.findings.curves import LEAST_STEPS, curve, part_size, rise
from hicra.findings.examples import at_end, examples
from hicra.findings.finding import Evidence, Finding, Headline
from hicra.findings.saved import Rollouts
from hicra.findings.standstill import standstill
from hicra.stats import wilson_interval

CUT, CUT_MORE = 0.1, 0.05
LONGER = 1.2
THEN_LIMIT = "hicra train --config CONFIG --set train.max_new_tokens=N"
THEN_LENGTH = "hicra methods dr_grpo"


def truncation(evidence: Evidence) -> Finding | None:
    """Looks for cut responses; None where the saved rollouts do not say which are cut."""
    rollouts = evidence.rollouts
    if rollouts.schema.get("truncated") != pl.Boolean or "step" not in rollouts.schema:
        return None
    known = [table for rows in rollouts.by_step("truncated") if (table := rows.drop_nulls()).height]
    if not known:
        return None
    steps: list[int] = [table["step"][0] for table in known]
    share = np.array([table["truncated"].mean() for table in known], np.float64)
    cut = rise(np.array(steps, np.float64), share)
    of_end = sum(table.height for table in known[-part_size(len(share)) :])
    sure_low, sure_high = wilson_interval(round(cut.last * of_end), of_end)
    figures = {
        "saved_steps": len(share), "responses_at_end": of_end, "cut": [cut.first, cut.last],
        "change": [cut.change, *_finite(cut.low, cut.high)],
        "thresholds": {"cut": CUT, "cut_more": CUT_MORE},
    }  # fmt: skip
    headline = Headline("share of the responses that are cut, at the end of the run", cut.last, sure_low, sure_high)
    went = f"{number(cut.last, True)} of the responses are cut at the length limit at the end of the run"
    went += f", {number(cut.first, True)} at its start" if len(share) > 1 else ""
    if sure_low > CUT or (cut.change >= CUT_MORE and cut.low > 0):
        text = f"{went}. A response that is cut cannot be right: raise the limit, or reward shorter ones."
        if evidence.system:
            text = f"{went}. What is cut is played as it stands: raise train.max_new_tokens, or the system's own limit."
        shown = examples(rollouts, pl.col("truncated") & at_end(steps))
        return Finding("truncation", text, figures, True, headline, shown, THEN_LIMIT)
    few = "Few responses are cut" if cut.last <= CUT else f"It is not sure that more than {number(CUT, True)} are cut"
    return Finding("truncation", f"{few}: {went}.", figures, False, headline)


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
    headline = Headline(
        f"change of the mean length from start to end, in {evidence.counts}", grew.change, grew.low, grew.high
    )
    went = f"the mean length went from {number(grew.first)} to {number(grew.last)} {evidence.counts}"
    if grew.last >= LONGER * grew.first and grew.low > 0 and still.holds:
        text = f"Responses grow and are right no more often: {went} while {still.text()}."
        return Finding("length_hacking", text, figures, True, headline, _longest_wrong(evidence.rollouts), THEN_LENGTH)
    return Finding("length_hacking", f"No sign of length hacking: {went}, {still.text()}.", figures, False, headline)


def _longest_wrong(rollouts: Rollouts) -> tuple[dict[str, Any], ...]:
    """The longest responses of the end of the run, of the wrong ones where it is known which are wrong."""
    if rollouts.schema.get("response") != pl.String:
        return ()
    wrong = ~pl.col("correct") if rollouts.schema.get("correct") == pl.Boolean else pl.lit(True)
    return examples(rollouts, wrong & at_end(rollouts.steps), [pl.col("response").str.len_chars()])


def _finite(*values: float) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values]
