"""A planning mask that is empty, or so wide that it tells nothing apart.

Deviations:
FINDING-5. A mask is wide where more than half of the policy tokens of the run are planning tokens (mean over steps). The paper
    reports a small share and no number. Neither an empty mask nor a wide one is an alarm where a system plays in an environment
    and is trained with nothing that reads the mask.
"""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from hicra.arrays import Floats
from hicra.drawing.readable import counted, number
from hicra.findings.curves import curve
from hicra.findings.examples import examples
from hicra.findings.finding import Evidence, Finding, Headline
from hicra.findings.gram_use import are_spans
from hicra.findings.saved import Rollouts
from hicra.stats import t_interval, wilson_interval

WIDE = 0.5
THEN = "hicra mine ROLLOUTS -o lexicon"
UNREAD = "Nothing that this run is trained with reads the planning mask."


def mask_empty(evidence: Evidence) -> Finding | None:
    """Looks for a run without any planning token; None where the planning share is unknown."""
    steps, share = curve(evidence, "hicra/planning_share")
    if not len(steps):
        return None
    empty, one = int((share == 0).sum()), evidence.counts.removesuffix("s")
    figures = {"steps": len(steps), "empty_steps": empty, "planning_share": float(share.mean())}
    headline = _marked(evidence.rollouts) or Headline(
        f"share of the {one}s that are planning {one}s", float(share.mean())
    )
    if empty == len(steps):
        text = f"No {one} of {counted(len(steps), 'step')} is a planning {one}"
        if not evidence.needs_mask:
            return Finding("mask_empty", f"{text}. {UNREAD}", figures, headline=headline)
        text += ": shaping planning tokens changes nothing. Take a lexicon in the language of the responses, or mine one from "
        text += "them."
        return Finding("mask_empty", text, figures, True, headline, examples(evidence.rollouts, pl.lit(True)), THEN)
    where = f"every step has planning {one}s" if not empty else f"{empty} of {len(steps)} steps have no planning {one}"
    return Finding("mask_empty", f"The planning mask is not empty: {where}.", figures, False, headline)


def mask_wide(evidence: Evidence) -> Finding | None:
    """Looks for a mask that marks more than half of the tokens; None where the planning share is unknown."""
    steps, share = curve(evidence, "hicra/planning_share")
    if not len(steps):
        return None
    mean, low, high = float(share.mean()), float(share.min()), float(share.max())
    figures = {"steps": len(steps), "planning_share": mean, "range": [low, high], "threshold": WIDE}
    headline = Headline(
        f"share of the {evidence.counts} that are planning {evidence.counts}", mean, *_around(evidence, share)
    )
    text = f"{number(mean, True)} of the {evidence.counts} are planning {evidence.counts}"
    text += f" ({number(low, True)} to {number(high, True)} by step)" if len(steps) > 1 else ""
    if mean > WIDE and not evidence.needs_mask:
        return Finding("mask_wide", f"{text}. {UNREAD}", figures, headline=headline)
    if mean > WIDE:
        often = "plans are most of what is written" if evidence.system else "the responses do little else"
        text += f", which is more than half: the lexicon marks what is no planning, or {often}."
        return Finding("mask_wide", text, figures, True, headline, _widest(evidence.rollouts), THEN)
    return Finding("mask_wide", f"{text}, which is not too many.", figures, False, headline)


def _marked(rollouts: Rollouts) -> Headline | None:
    """The share of the saved responses in which the lexicon finds anything; None without spans."""
    if not are_spans(rollouts.schema.get("spans", pl.Null())):
        return None
    marked = known = 0
    for table in rollouts.by_step("spans"):
        spans = table["spans"].drop_nulls()
        marked, known = marked + int((spans.list.len() > 0).sum()), known + len(spans)
    if not known:
        return None
    low, high = wilson_interval(marked, known)
    return Headline("share of the responses with a planning span", marked / known, max(0.0, low), min(1.0, high))


def _around(evidence: Evidence, share: Floats) -> tuple[float | None, float | None]:
    """The interval of the mean share over the steps; of a single step, that over its prompts where a diagnosis knows it."""
    if len(share) > 1:
        low, high = t_interval(share)
        return max(0.0, low), min(1.0, high)
    known = next(
        (of["hicra/planning_share"] for of in evidence.intervals.values() if "hicra/planning_share" in of), None
    )
    return (known[0], known[1]) if known is not None and all(math.isfinite(end) for end in known) else (None, None)


def _widest(rollouts: Rollouts) -> tuple[dict[str, Any], ...]:
    """The responses of which the largest part lies in spans."""
    schema = rollouts.schema
    if schema.get("response") != pl.String or not schema.get("planning_chars", pl.Null()).is_integer():
        return ()
    part = pl.col("planning_chars") / pl.col("response").str.len_chars()
    return examples(rollouts, part > 0, [part])
