"""Lexicon hacking: the policy earns the bonus of planning tokens by writing what the lexicon lists, and solves no more for it.

HICRA adds alpha|A| on planning tokens, of which 2 alpha p(1-p) goes to every planning token of a mixed group, whether it helped
or not. A policy can therefore write more of the listed grams and be paid. The signs, all of which must be there:

1. The planning share rose by at least half over the run, and surely (its interval lies above 0).
2. Accuracy stands still: over the last half of the steps it closed less than a tenth of what was left to be right, and surely
   less than a quarter; and over the run it closed less than half of what was left. A run that has learnt its task also stands
   still.
3. The grams concentrate, largely and surely, in one of three ways: the effective number of grams (exp of the semantic entropy)
   fell by a fifth; the most common sequence of grams is that of 10 points more of the responses; 10 points more of the
   occurrences repeat a gram that stood in the same response before.

A single run cannot show what another method would have reached: that takes a run of method `none` beside it.

Deviations (the paper does not look for it):
FINDING-1. The thresholds above, as the constants of this file, were chosen on simulated runs of other seeds than those that
    are reported (benchmarks/sim_lexicon_hacking.py). Signs 1 and 3 are read off the fitted line of `stats.change_points`, sign 2
    off a straight line; intervals are of 95 %.
"""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from hicra.drawing.readable import number
from hicra.findings.curves import LEAST_STEPS, curve, rise
from hicra.findings.examples import at_end, examples
from hicra.findings.finding import Evidence, Finding, Headline
from hicra.findings.gram_use import GramUse, are_spans, run_gram_use
from hicra.findings.saved import Rollouts
from hicra.findings.standstill import standstill

NAME = "lexicon_hacking"
SHARE_RISE = 1.5  # the planning share of the last fifth of the steps over that of the first
FEWER_GRAMS = 0.8  # the effective number of grams at the end over that at the start
MORE = 0.1  # rise of the share of the most common sequence, and of repeated occurrences
SHOWN_GRAMS = 3
THEN = "hicra mine ROLLOUTS -o lexicon"


def lexicon_hacking(evidence: Evidence) -> Finding | None:
    """Looks for the three signs; None where fewer than 20 steps have a planning share and an accuracy."""
    steps, share = curve(evidence, "hicra/planning_share")
    n = min(len(steps), len(curve(evidence, "hicra/accuracy")[0]))
    still = standstill(evidence)
    if still is None or n < LEAST_STEPS:
        return None
    grew, use = rise(steps, share), evidence.rollouts.once(run_gram_use)
    signs = concentration(evidence, use)
    sure = [sign for sign in signs if sign["sure"]]
    missing = []
    if not (grew.last >= SHARE_RISE * grew.first and grew.low > 0):
        missing.append("its rise is not both large and sure")
    if not still.holds:
        missing.append("accuracy does not surely stand still")
    if not sure:
        missing.append("the grams do not surely concentrate" if signs else "no semantic entropy and no spans are known")
    figures: dict[str, Any] = {
        "steps": n, "planning_share": [grew.first, grew.last],
        "planning_share_change": [grew.change, grew.low, grew.high], **still.figures(), "concentration": signs,
        "grams": [] if use is None else grown(use), "template": [] if use is None else list(use.sequences[-1]),
        "thresholds": {"share_rise": SHARE_RISE, "fewer_grams": FEWER_GRAMS, "more": MORE},
    }  # fmt: skip
    went = f"the planning share went from {number(grew.first, True)} to {number(grew.last, True)} (start and end of the run)"
    headline = Headline("change of the planning share from start to end", grew.change, grew.low, grew.high)
    if missing:
        return Finding(NAME, f"No sign of lexicon hacking: {went}; {', and '.join(missing)}.", figures, False, headline)
    text = f"The policy may be earning the bonus with what the lexicon lists: {went} while {still.text()}. "
    text += f"The grams concentrate: {' and '.join(sign['text'] for sign in sure)}.{_took(figures['grams'])}"
    text += " Train method none on the same problems to see what is lost, or take a lexicon that covers more of the planning."
    shown = _with_most(evidence.rollouts, [one["gram"] for one in figures["grams"]])
    return Finding(NAME, text, figures, True, headline, shown, THEN)


def concentration(evidence: Evidence, use: GramUse | None) -> list[dict[str, Any]]:
    """Returns the ways in which grams can concentrate: {way, first, last, change [change, low, high], sure, text}."""
    found = []
    steps, entropy = curve(evidence, "hicra/semantic_entropy")
    if len(entropy):
        fell = rise(steps, entropy)
        first, last = math.exp(fell.first), math.exp(fell.last)
        found.append({
            "way": "fewer grams", "first": first, "last": last, "change": [fell.change, fell.low, fell.high],
            "sure": fell.change <= math.log(FEWER_GRAMS) and fell.high < 0,
            "text": f"the effective number of grams fell from {number(first)} to {number(last)}",
        })  # fmt: skip
    ways = () if use is None else (
        ("one template", use.template, "the most common sequence of grams went from {} to {} of the responses"),
        ("repetition", use.repeated, "the occurrences that repeat a gram within a response went from {} to {}"),
    )  # fmt: skip
    for way, values, text in ways:
        assert use is not None
        rose = rise(use.steps, values)
        if math.isfinite(rose.low):
            found.append({
                "way": way, "first": rose.first, "last": rose.last, "change": [rose.change, rose.low, rose.high],
                "sure": rose.change >= MORE and rose.low > 0,
                "text": text.format(number(rose.first, True), number(rose.last, True)),
            })  # fmt: skip
    return found


def grown(use: GramUse) -> list[dict[str, Any]]:
    """Returns the grams whose part of all occurrences grew most from the first to the last third of the saved steps."""
    size = max(1, len(use.steps) // 3)
    early, late = (sum(part[1:], part[0].copy()) for part in (use.counts[:size], use.counts[-size:]))
    if not early.total() or not late.total():
        return []
    moved = {gram: times / late.total() - early[gram] / early.total() for gram, times in late.items()}
    most = sorted((gram for gram in moved if moved[gram] > 0), key=lambda gram: (-moved[gram], gram))[:SHOWN_GRAMS]
    return [{"gram": gram, "first": early[gram] / early.total(), "last": late[gram] / late.total()} for gram in most]


def _with_most(rollouts: Rollouts, grams: list[str]) -> tuple[dict[str, Any], ...]:
    """The rollouts of the end of the run in which these grams occur most often."""
    if not grams or not are_spans(rollouts.schema.get("spans", pl.Null())):
        return ()
    times = pl.col("spans").list.eval(pl.element().struct.field("gram").is_in(grams)).list.sum()
    return examples(rollouts, at_end(rollouts.steps) & (times > 0), [times])


def _took(grams: list[dict[str, Any]]) -> str:
    """Names the grams that took the mass."""
    if not grams:
        return ""
    named = [f'"{one["gram"]}" ({number(one["first"], True)} to {number(one["last"], True)})' for one in grams]
    return f" Of all occurrences of grams, these took more: {', '.join(named)}."
