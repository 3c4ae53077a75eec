"""Template collapse: most responses go through the same sequence of strategic grams.

Deviations:
FINDING-3. A template is the sequence of the grams of a response. Templates have collapsed when the most common one is that of at
    least half of the responses at the end (the last third of the saved steps, or the last fifth of 40 and more), twice as many
    as at the start, and surely more. Responses without a gram have no template and count as others. A lexicon of a few phrases
    makes templates look more alike than the responses are.
"""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from hicra.drawing.readable import number
from hicra.findings.curves import rise
from hicra.findings.examples import at_end, examples
from hicra.findings.finding import Evidence, Finding, Headline
from hicra.findings.gram_use import run_gram_use
from hicra.findings.saved import Rollouts

NAME = "template_collapse"
COLLAPSED, TIMES = 0.5, 2.0
THEN = "hicra report RUN -o report.html"


def template_collapse(evidence: Evidence) -> Finding | None:
    """Compares the first saved steps with the last; None where there are no spans, or fewer than six saved steps."""
    use = evidence.rollouts.once(run_gram_use)
    if use is None:
        return None
    rose = rise(use.steps, use.template)
    if not math.isfinite(rose.low):
        return None
    sequence = list(use.sequences[-1])
    figures = {
        "saved_steps": len(use.steps), "template_share": [rose.first, rose.last],
        "change": [rose.change, rose.low, rose.high], "template": sequence,
        "thresholds": {"collapsed": COLLAPSED, "times": TIMES},
    }  # fmt: skip
    what = "change of the share of the most common sequence of grams from start to end"
    headline = Headline(what, rose.change, rose.low, rose.high)
    went = f"{number(rose.last, True)} of the responses, {number(rose.first, True)} at the start of the run"
    if rose.last >= COLLAPSED and rose.last >= TIMES * rose.first and rose.low > 0:
        text = f"The strategies collapse: the most common sequence of strategic grams is that of {went}. It is: "
        shown = _with_template(evidence.rollouts, sequence)
        return Finding(
            NAME, text + " / ".join(f'"{gram}"' for gram in sequence) + ".", figures, True, headline, shown, THEN
        )
    text = f"No collapse to one template: the most common sequence of strategic grams is that of {went}."
    return Finding(NAME, text, figures, False, headline)


def _with_template(rollouts: Rollouts, sequence: list[str]) -> tuple[dict[str, Any], ...]:
    """The rollouts of the end whose grams are this sequence, nested occurrences aside."""
    grams = pl.col("spans").list.eval(pl.element().struct.field("gram"))
    same = (grams.list.len() == len(sequence)) & (grams.list.join("\x00") == "\x00".join(sequence))
    return examples(rollouts, same & at_end(rollouts.steps))
