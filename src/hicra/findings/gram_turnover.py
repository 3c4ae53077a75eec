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

from hicra.arrays import Floats, Ints
from hicra.drawing.readable import counted, number, shorten
from hicra.findings.curves import part_size
from hicra.findings.finding import Evidence, Finding
from hicra.findings.gram_use import run_gram_use
from hicra.findings.saved import Rollouts
from hicra.stats import grouped_share_interval

NAME = "gram_turnover"
LEAST_STEPS, LEAST_PROMPTS = 6, 5
FADED = 0.1  # of the share where a gram is at home
TOLD = 5


def gram_turnover(evidence: Evidence) -> Finding | None:
    """Compares the grams of both ends; None where there are no spans, or fewer than six saved steps."""
    use = evidence.rollouts.once(run_gram_use)
    if use is None or len(use.steps) < LEAST_STEPS:
        return None
    steps, size = [int(step) for step in use.steps], part_size(len(use.steps))
    ends = [_part(evidence.rollouts, steps[:size]), _part(evidence.rollouts, steps[-size:])]
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


def _part(rollouts: Rollouts, steps: list[int]) -> tuple[dict[str, Counter[int]], Floats]:
    """Returns gram -> prompt -> responses that hold it, and the number of responses of each prompt."""
    name = _prompt_column(rollouts, steps)
    used: dict[str, Counter[int]] = {}
    sizes: list[Ints] = []
    before = 0  # prompts of earlier steps
    for table in rollouts.by_step("spans", *([name] if name else []), steps=steps):
        known = table.drop_nulls("spans")
        of = known.select(pl.col(name).rank("dense") if name else pl.int_range(pl.len())).to_series()
        if of.null_count():  # those that do not say it are one more prompt
            of = of.fill_null(len(of) + 1)
        _, row_group, counts = np.unique(of.to_numpy(), return_inverse=True, return_counts=True)
        for group, spans in zip((row_group + before).tolist(), known["spans"].to_list(), strict=True):
            for gram in {span["gram"] for span in spans if span is not None and span["gram"] is not None}:
                used.setdefault(gram, Counter())[group] += 1
        sizes.append(counts)
        before += len(counts)
    return used, np.concatenate(sizes).astype(np.float64)


def _prompt_column(rollouts: Rollouts, steps: list[int]) -> str:
    """Returns the column that tells the prompts of a step apart: group_id where each rollout has one, else its text; "" where
    each response counts as a prompt, and `step` where only some rollouts have a group and none a text.
    """
    text = next((name for name in ("prompt", "problem") if rollouts.schema.get(name) == pl.String), "")
    group = rollouts.schema.get("group_id")
    if group is None or group.is_nested():
        return text or ("" if group is None else "step")
    whole = all(
        table.drop_nulls("spans")["group_id"].null_count() == 0
        for table in rollouts.by_step("spans", "group_id", steps=steps)
    )
    return "group_id" if whole else text or "step"


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
