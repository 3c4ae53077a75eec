"""Births and deaths of grams: which grams of the lexicon the policy has taken up, and which it has dropped.

Deviations (the paper shows no such table):
FINDING-11. A gram is born where the share of the responses that hold it is surely larger at the end of the run than at its start,
    and at most a tenth of it at the start; it has died in the mirror case. Start and end are parts as in FINDING-1. The interval
    of a share is over prompts, since responses to one prompt share their grams, and the level of all intervals together is 95 %
    (Bonferroni's, over the grams that at least `LEAST_PROMPTS` prompts of a part hold).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl

from hicra.arrays import Floats
from hicra.drawing.readable import counted, number, shorten
from hicra.findings.curves import part_size
from hicra.findings.error_counts import groups
from hicra.findings.finding import Evidence, Finding
from hicra.findings.gram_use import are_spans
from hicra.stats import grouped_share_interval

NAME = "gram_turnover"
LEAST_STEPS, LEAST_PROMPTS = 6, 5
FADED = 0.1  # of the share where a gram is at home
TOLD = 5


def gram_turnover(evidence: Evidence) -> Finding | None:
    """Compares the grams of both ends; None where there are no spans, or fewer than six saved steps."""
    rollouts = evidence.rollouts
    if "step" not in rollouts.columns or not are_spans(rollouts.schema.get("spans", pl.Null())):
        return None
    known = rollouts.filter(pl.col("step").is_not_null() & pl.col("spans").is_not_null())
    steps = np.unique(known["step"].to_numpy())
    if len(steps) < LEAST_STEPS:
        return None
    size = part_size(len(steps))
    ends = [_part(known.filter(pl.col("step") <= steps[size - 1])), _part(known.filter(pl.col("step") >= steps[-size]))]
    tested = sorted(
        gram for gram in {*ends[0][0], *ends[1][0]} if max(len(used.get(gram, ())) for used, _ in ends) >= LEAST_PROMPTS
    )
    confidence = 1 - 0.05 / max(1, 2 * len(tested))
    born: list[dict[str, Any]] = []
    died: list[dict[str, Any]] = []
    for gram in tested:
        first, last = (_share(used.get(gram, Counter()), sizes, confidence) for used, sizes in ends)
        one: dict[str, Any] = {"gram": gram, "first": first[0], "last": last[0]}
        if first[2] < last[1] and first[0] <= FADED * last[0]:
            born.append(one)
        elif last[2] < first[1] and last[0] <= FADED * first[0]:
            died.append(one)
    born.sort(key=lambda one: (-one["last"], one["gram"]))
    died.sort(key=lambda one: (-one["first"], one["gram"]))
    figures: dict[str, Any] = {
        "saved_steps": len(steps), "tested": len(tested), "born": born, "died": died,
        "thresholds": {"faded": FADED, "prompts": LEAST_PROMPTS},
    }  # fmt: skip
    if not born and not died:
        text = f"Of {counted(len(tested), 'gram')} that are used, none was surely taken up or dropped over the run."
        return Finding(NAME, text, figures, alarm=False)
    told = [
        f"{counted(len(of), 'gram was', 'grams were')} {word}: {_named(of)}"
        for word, of in (("taken up", born), ("dropped", died))
        if of
    ]
    return Finding(NAME, f"Of {counted(len(tested), 'gram')} that are used, {'; '.join(told)}.", figures)


def _part(rollouts: pl.DataFrame) -> tuple[dict[str, Counter[int]], Floats]:
    """Returns gram -> prompt -> responses that hold it, and the number of responses of each prompt."""
    fallback = next((name for name in ("prompt", "problem") if rollouts.schema.get(name) == pl.String), "")
    if "group_id" in rollouts.columns or fallback:
        of = groups(rollouts, fallback or "step").to_numpy()
    else:
        of = np.arange(rollouts.height)
    _, row_group, sizes = np.unique(of, return_inverse=True, return_counts=True)
    used: dict[str, Counter[int]] = {}
    for group, spans in zip(row_group.tolist(), rollouts["spans"].to_list(), strict=True):
        for gram in {span["gram"] for span in spans if span is not None and span["gram"] is not None}:
            used.setdefault(gram, Counter())[group] += 1
    return used, sizes.astype(np.float64)


def _share(held: Counter[int], sizes: Floats, confidence: float) -> tuple[float, float, float]:
    """Returns the share of the responses that hold a gram, and its interval over prompts."""
    part = np.zeros(len(sizes))
    part[list(held)] = list(held.values())
    low, high = grouped_share_interval(part, sizes, confidence)
    return float(part.sum() / sizes.sum()), low, high


def _named(grams: list[dict[str, Any]]) -> str:
    said = [
        f'"{shorten(one["gram"], 60)}" ({number(one["first"], True)} to {number(one["last"], True)} of the responses)'
        for one in grams[:TOLD]
    ]
    more = len(grams) - TOLD
    return ", ".join(said) + (f" and {more} more" if more > 0 else "")
