"""Responses that say the same again and again until they are cut.

Deviations:
FINDING-8. Repetition is an alarm where surely more than a twentieth of the responses at the end of the run are loops (METRIC-4;
    Wilson's interval over the saved ones), or where the share of loops rose surely by 5 points. End as in FINDING-1.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hicra.drawing.readable import number
from hicra.findings.columns import with_columns_of
from hicra.findings.curves import part_size, rise
from hicra.findings.examples import at_end, examples
from hicra.findings.finding import Evidence, Finding, Headline
from hicra.findings.saved import Rollouts
from hicra.metrics.repetition import LOOPS_FROM, repeated_share_of
from hicra.stats import wilson_interval

NAME = "repetition"
MANY, MORE = 0.05, 0.05
THEN = "hicra report RUN -o report.html"


def repetition(evidence: Evidence) -> Finding | None:
    """Looks for loops in the saved responses; None where there are none with a step."""
    looping = pl.col("repeated") >= LOOPS_FROM
    by_step = evidence.rollouts.once(_loops)
    if not by_step:
        return None
    steps = [step for step, _, _ in by_step]
    share = np.array([loops for _, loops, _ in by_step])
    change = rise(np.array(steps, np.float64), share)
    at = sum(rows for _, _, rows in by_step[-part_size(len(share)) :])
    low, high = wilson_interval(round(change.last * at), at)
    figures = {
        "saved_steps": len(share), "responses_at_end": at, "loops": [change.first, change.last], "share_ci": [low, high],
        "thresholds": {"loops": MANY, "more": MORE, "repeated_share": LOOPS_FROM},
    }  # fmt: skip
    headline = Headline("share of the responses that are loops, at the end of the run", change.last, low, high)
    went = f"{number(change.last, True)} of the responses repeat at least half of what they say at the end of the run"
    went += f" (95\u00a0% interval {number(low, True)} to {number(high, True)})"
    went += f", {number(change.first, True)} at its start" if len(share) > 1 else ""
    if low > MANY or (change.change >= MORE and change.low > 0):
        shown = examples(
            evidence.rollouts, looping & at_end(steps), [pl.col("repeated")], made=with_repeated,
            columns=("response", "repeated"),
        )  # fmt: skip
        text = f"{went}. Read some of them: a sampler without an end token, or a reward for length, does this."
        return Finding(NAME, text, figures, True, headline, shown, THEN)
    few = (
        "Few responses are loops"
        if change.last <= MANY
        else f"It is not sure that more than {number(MANY, True)} are loops"
    )
    return Finding(NAME, f"{few}: {went}.", figures, False, headline)


def _loops(rollouts: Rollouts) -> list[tuple[int, float, int]]:
    """Returns of each step with responses the step, the share of loops and the number of responses."""
    found = []
    for table in rollouts.by_step("response", "repeated"):
        known = with_columns_of(table, step="integer", response="text")
        if known is not None:
            loops = (with_repeated(known)["repeated"] >= LOOPS_FROM).fill_null(False)
            found.append((known["step"][0], float(loops.sum()) / len(loops), len(loops)))
    return found


def with_repeated(rollouts: pl.DataFrame) -> pl.DataFrame:
    """Adds the column `repeated`, the repeated share of each response, where a diagnosis has not written it yet."""
    if rollouts.schema.get("repeated") == pl.Float64:
        return rollouts
    texts = rollouts["response"].to_list()
    shares = [None if text is None else repeated_share_of(text) for text in texts]
    return rollouts.with_columns(pl.Series("repeated", shares, pl.Float64))
