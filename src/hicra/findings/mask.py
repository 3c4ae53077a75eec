"""A planning mask that is empty, or so wide that it tells nothing apart.

Deviations:
FINDING-5. A mask is wide where more than half of the policy tokens of the run are planning tokens (mean over steps). The paper
    reports a small share and no number. Neither an empty mask nor a wide one is an alarm where a system plays in an environment
    and is trained with nothing that reads the mask.
"""

from __future__ import annotations

from hicra.drawing.readable import counted, number
from hicra.findings.curves import curve
from hicra.findings.finding import Evidence, Finding

WIDE = 0.5
UNREAD = "Nothing that this run is trained with reads the planning mask."


def mask_empty(evidence: Evidence) -> Finding | None:
    """Looks for a run without any planning token; None where the planning share is unknown."""
    steps, share = curve(evidence, "hicra/planning_share")
    if not len(steps):
        return None
    empty, one = int((share == 0).sum()), evidence.counts.removesuffix("s")
    figures = {"steps": len(steps), "empty_steps": empty, "planning_share": float(share.mean())}
    if empty == len(steps):
        text = f"No {one} of {counted(len(steps), 'step')} is a planning {one}"
        if not evidence.needs_mask:
            return Finding("mask_empty", f"{text}. {UNREAD}", figures)
        text += ": shaping planning tokens changes nothing. Take a lexicon in the language of the responses, or mine one from "
        text += "them."
        return Finding("mask_empty", text, figures, alarm=True)
    where = f"every step has planning {one}s" if not empty else f"{empty} of {len(steps)} steps have no planning {one}"
    return Finding("mask_empty", f"The planning mask is not empty: {where}.", figures, alarm=False)


def mask_wide(evidence: Evidence) -> Finding | None:
    """Looks for a mask that marks more than half of the tokens; None where the planning share is unknown."""
    steps, share = curve(evidence, "hicra/planning_share")
    if not len(steps):
        return None
    mean, low, high = float(share.mean()), float(share.min()), float(share.max())
    figures = {"steps": len(steps), "planning_share": mean, "range": [low, high], "threshold": WIDE}
    text = f"{number(mean, True)} of the {evidence.counts} are planning {evidence.counts}"
    text += f" ({number(low, True)} to {number(high, True)} by step)" if len(steps) > 1 else ""
    if mean > WIDE and not evidence.needs_mask:
        return Finding("mask_wide", f"{text}. {UNREAD}", figures)
    if mean > WIDE:
        often = "plans are most of what is written" if evidence.system else "the responses do little else"
        text += f", which is more than half: the lexicon marks what is no planning, or {often}."
        return Finding("mask_wide", text, figures, alarm=True)
    return Finding("mask_wide", f"{text}, which is not too many.", figures, alarm=False)
