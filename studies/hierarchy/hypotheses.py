"""The hypotheses (a) to (f) of the study: each with its rule, fixed before the first reported run, and its judge."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from agreement import LEAST_ARMS, Agreement, agreement
from analysis import auc
from contrasts import LEVEL, MARGIN, Estimate, contrast, estimate, pairs, primary_contrasts
from results import STARTS, Cell, Results, arms_of, runs_of
from verdicts import HOLDS, NOT, OPEN, Rule, Verdict, above, all_of, judged, not_run, same, sentence, untold

from hicra.arrays import Floats
from hicra.drawing.readable import decimal

LEAST_AGREEMENT = 0.5  # a rank agreement below it is of no use for choosing a method
COLLAPSE = 0.1  # nats of strategy entropy
MISSING = "two_missing"  # the lexicon that misses two whole strategies
AHEAD = 0.6  # the accuracy from which on the signal should lie on planning
ADAPTIVE, CHANGING = "hicra_adaptive", ("hicra_adaptive", "none")  # what is no fixed method that changes anything


def primary(results: Results, treatment: str, baseline: str, start: str) -> Estimate | None:
    """A primary contrast with Holm's p, or None where it was not run."""
    return primary_contrasts(results).get((treatment, baseline, start))


def step_qualities(results: Results, start: str) -> dict[str, Floats]:
    """Returns {arm: [C] step quality minus GRPO's at each checkpoint of step 0}, over warm starts."""
    found: dict[str, list[float]] = {}
    for checkpoint in results.checkpoints:
        if checkpoint["start"] == start and checkpoint["step"] == 0:
            for name, figures in checkpoint["methods"].items():
                if name != "none" and figures["difference"] is not None:
                    found.setdefault(name, []).append(figures["difference"])
    return {name: np.array(values) for name, values in found.items()}


def training_gains(results: Results, start: str) -> dict[str, Floats]:
    """Returns {arm: [N] paired differences to GRPO of the area} of primary and demonstration arms."""
    gains: dict[str, Floats] = {}
    for part in ("demonstrations", "primary"):
        for arm in arms_of(results, start, part):
            if arm != "none":
                differences, _, _ = pairs(results, Cell(arm, start, part), Cell("none", start))
                if len(differences):
                    gains[arm] = differences
    return gains


def meter_agreement(results: Results, start: str) -> Agreement | None:
    """The rank agreement of step quality at the start with the gain in training."""
    return agreement(step_qualities(results, start), training_gains(results, start))


def meter_predicts(results: Results) -> Verdict:
    """Hypothesis a."""
    parts = []
    for start in STARTS:
        found = meter_agreement(results, start)
        if found is None:
            parts.append(not_run(f"{start} start: fewer than {LEAST_ARMS} arms with both figures"))
            continue
        answer = HOLDS if found.low > 0 else NOT if found.high < LEAST_AGREEMENT else OPEN
        told = (
            f"{start.capitalize()} start: Spearman {decimal(found.spearman, 2, sign=True)} "
            f"({decimal(found.low, 2, sign=True)} to {decimal(found.high, 2, sign=True)}), "
            f"Kendall {decimal(found.kendall, 2, sign=True)} over {found.arms} arms."
        )
        parts.append(Verdict(answer, told))
    return all_of(parts)


def difficulty_gains(results: Results) -> Verdict:
    """Hypothesis b1."""
    return above(primary(results, "hicra_difficulty", "none", "strong"), MARGIN, "difficulty part - GRPO, strong")


def bonus_gains(results: Results) -> Verdict:
    """Hypothesis b2."""
    return above(primary(results, "hicra_bonus", "none", "strong"), MARGIN, "bonus part - GRPO, strong")


def parts_differ(results: Results) -> Verdict:
    """Hypothesis b3."""
    one = contrast(results, Cell("hicra_difficulty"), Cell("hicra_bonus"))
    return above(one, MARGIN, "difficulty part - bonus part, strong")


def turns_at_half(results: Results) -> Verdict:
    """Hypothesis b4: HICRA's step quality minus GRPO's, below and above p = 1/2, where planning holds most of the signal."""
    sides: dict[bool, list[Mapping[str, Any]]] = {False: [], True: []}
    for checkpoint in results.checkpoints:
        share, method = checkpoint["kinds"]["planning"]["share"], checkpoint["methods"].get("hicra")
        if share is not None and share > 0.5 and method and method["difference"] is not None:
            sides[checkpoint["accuracy"] > 0.5].append(checkpoint)
    found = [
        estimate(
            f"HICRA's step - GRPO's, {name} half right",
            [one["methods"]["hicra"]["difference"] for one in sides[side]],
            [one["warm"] for one in sides[side]],
            0.01,
        )
        for side, name in ((False, "below"), (True, "above"))
    ]
    below, beyond = found
    if below.low is None or below.high is None or beyond.low is None or beyond.high is None:
        return not_run(f"{below.n} and {beyond.n} checkpoints below and above half right with planning ahead")
    right = below.low > 0 and beyond.high < 0
    wrong = below.high < 0 or beyond.low > 0
    told = " ".join(sentence(one, one.name) for one in found)
    return Verdict(HOLDS if right else NOT if wrong else OPEN, told, tuple(found))


def mask_matters(results: Results) -> Verdict:
    """Hypothesis b5."""
    everywhere = Cell("difficulty_all", part="alphas", settings={"alpha": 0.2})
    one = contrast(results, everywhere, Cell("hicra_difficulty"))
    what = "difficulty on all tokens - on planning tokens, strong"
    if one is None or one.low is None or one.high is None:
        return untold(one, what)
    answer = HOLDS if one.high < 0 else NOT if one.low > -MARGIN else OPEN
    return judged(answer, one, what)


def collapses(results: Results) -> Verdict:
    """Hypothesis c."""

    def last(run: Mapping[str, Any]) -> float | None:
        values = run["evals"].get("strategy_entropy", [None])
        return None if values[-1] is None else float(values[-1])

    def against(arm: str) -> Estimate | None:
        partial = Cell(arm, part="masks", lexicon=MISSING)
        return contrast(
            results, partial, Cell(arm), last, f"{arm}: entropy with the partial mask - whole mask", COLLAPSE
        )

    bonus, difficulty = against("hicra_bonus"), against("hicra_difficulty")
    if bonus is None or difficulty is None or bonus.high is None or bonus.low is None or difficulty.low is None:
        return not_run("bonus and difficulty part with the mask that misses two strategies")
    told = f"{sentence(bonus, 'bonus part')} {sentence(difficulty, 'difficulty part')} Strategy entropy, nats."
    if bonus.high < 0 and difficulty.low > -COLLAPSE:
        return Verdict(HOLDS, told, (bonus, difficulty))
    assert difficulty.high is not None
    wrong = bonus.low > -COLLAPSE or difficulty.high < 0
    return Verdict(NOT if wrong else OPEN, told, (bonus, difficulty))


def crossing(checkpoints: list[Mapping[str, Any]]) -> float | None:
    """Interpolates the accuracy at which the planning share first passes 1/2, in the order of steps; None where it never does."""
    rows = [
        (one["kinds"]["planning"]["share"], one["accuracy"]) for one in sorted(checkpoints, key=lambda one: one["step"])
    ]
    rows = [(share, accuracy) for share, accuracy in rows if share is not None]
    for (share, accuracy), (later, after) in pairwise(rows):
        if share <= 0.5 < later:
            return float(accuracy + (0.5 - share) / (later - share) * (after - accuracy))
    return None


def by_warm_start(results: Results, start: str) -> dict[int, list[Mapping[str, Any]]]:
    """Groups the checkpoints of a start by warm start."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    for one in results.checkpoints:
        if one["start"] == start:
            found.setdefault(int(one["warm"]), []).append(one)
    return dict(sorted(found.items()))


def signal_moves(results: Results) -> Verdict:
    """Hypothesis d."""
    first, later, warm, crossed = [], [], [], []
    for number, checkpoints in by_warm_start(results, "weak").items():
        shares = {one["step"]: one["kinds"]["planning"]["share"] for one in checkpoints}
        ahead = [
            one for one in checkpoints if one["accuracy"] >= AHEAD and one["kinds"]["planning"]["share"] is not None
        ]
        if shares.get(0) is None or not ahead:
            continue
        warm.append(number)
        first.append(shares[0] - 0.5)
        later.append(min(ahead, key=lambda one: one["step"])["kinds"]["planning"]["share"] - 0.5)
        at = crossing(checkpoints)
        if at is not None:
            crossed.append(at)
    parts = (
        estimate("planning share of the signal at the start - 1/2", first, warm, 0.1),
        estimate(f"the same at the first checkpoint with {AHEAD:.0%} right - 1/2", later, warm, 0.1),
    )
    before, after = parts
    if before.low is None or before.high is None or after.low is None or after.high is None:
        return not_run(f"the meter along runs from {len(warm)} weak warm starts that reach {AHEAD:.0%}")
    told = " ".join(sentence(one, one.name) for one in parts)
    if crossed:
        told += (
            f" It passes 1/2 at {decimal(min(crossed), 2)} to {decimal(max(crossed), 2)} right ({len(crossed)} runs)."
        )
    right, wrong = before.high < 0 < after.low, before.low > 0 or after.high < 0
    return Verdict(HOLDS if right else NOT if wrong else OPEN, told, parts)


def placebo_is_nothing(results: Results) -> Verdict:
    """Hypothesis e."""
    return all_of([
        same(primary(results, "placebo", "none", start), MARGIN, f"placebo - GRPO, {start}") for start in STARTS
    ])  # fmt: skip


def best_fixed(results: Results, start: str) -> str | None:
    """Names the fixed method with the largest mean area at a start, over the runs that it has; None without any."""
    means = {
        arm: float(np.mean([auc(run) for run in runs_of(results, Cell(arm, start)).values()]))
        for arm in arms_of(results, start)
        if arm not in CHANGING
    }
    return max(sorted(means), key=means.__getitem__) if means else None


def adaptive_never_worse(results: Results) -> Verdict:
    """Hypothesis f."""
    parts = []
    for start in STARTS:
        best = best_fixed(results, start)
        for name, other in (("GRPO", "none"), ("best fixed", best)):
            one = other and contrast(results, Cell(ADAPTIVE, start), Cell(other, start))
            what = f"adaptive - {name}{'' if other in (None, 'none') else f' ({other})'}, {start}"
            if not one or one.low is None or one.high is None:
                parts.append(untold(one or None, what))
                continue
            answer = HOLDS if one.low > -MARGIN else NOT if one.high < 0 else OPEN
            parts.append(judged(answer, one, what))
    return all_of(parts)


HYPOTHESES = (
    Rule(
        "a", "A method with a better step at the start of training gains more in training.",
        f"Over the trained arms but GRPO, Spearman's rank agreement of step quality minus GRPO's (cosine, mean over the warm "
        f"starts at step 0) with the mean paired gain in area. Holds if its bootstrap interval lies above 0 at both starts, "
        f"does not hold if it lies below {LEAST_AGREEMENT} at either; fewer than {LEAST_ARMS} arms cannot tell. The "
        "adaptive method has no step at a fixed policy and is left out.", meter_predicts),
    Rule(
        "b1", "The difficulty part of HICRA alone beats GRPO from the strong start, so that the factor 1 - 2p matters.",
        f"Area, paired. Holds if the interval lies above 0 and Holm's p is below {LEVEL}, does not hold if the interval lies "
        f"below {MARGIN}.", difficulty_gains),
    Rule(
        "b2", "The bonus part of HICRA alone beats GRPO from the strong start.", "As b1.", bonus_gains),
    Rule(
        "b3", "HICRA's gain comes from difficulty more than from the bonus.",
        f"Area, difficulty part minus bonus part, strong start. Holds if the interval lies above 0, does not hold if it lies "
        f"below {MARGIN}. Exploratory.", parts_differ),
    Rule(
        "b4", "HICRA's step is better than GRPO's while less than half is right, and worse beyond.",
        "Over all checkpoints where planning holds more than half of the signal: HICRA's step quality minus GRPO's. Holds if "
        "its interval lies above 0 below half right and below 0 above half right, does not hold if either lies wholly on the "
        "other side. Exploratory.", turns_at_half),
    Rule(
        "b5", "The difficulty factor gains on planning tokens what it does not gain on all tokens alike.",
        f"Area, the factor on all tokens minus on planning tokens, strong start, alpha .2. Holds if the interval lies below 0, "
        f"does not hold if it lies above -{MARGIN}. Exploratory.", mask_matters),
    Rule(
        "c", "A bonus on a mask that misses two whole strategies makes the policy lose strategies; difficulty does not.",
        f"Entropy of the first strategies at the last evaluation, the partial mask minus the whole mask, paired. Holds if the "
        f"interval of the bonus part lies below 0 and that of the difficulty part above -{COLLAPSE} nats, does not hold if "
        f"that of the bonus part lies above -{COLLAPSE} or that of the difficulty part below 0. Exploratory.", collapses),
    Rule(
        "d", "From the weak start the signal moves from execution to planning in training.",
        f"Planning share of the signal in GRPO runs, over warm starts. Holds if its interval lies below 1/2 at step 0 and "
        f"above 1/2 at the first checkpoint with at least {AHEAD:.0%} right, does not hold if either lies on the other side. "
        f"The accuracy at which it passes 1/2 is interpolated and reported.", signal_moves),
    Rule(
        "e", "A placebo with as many marked tokens in the same places does nothing that matters.",
        f"Area, placebo minus GRPO. Holds if the interval lies within {MARGIN} of 0 at both starts, does not hold if it lies "
        f"outside at either.", placebo_is_nothing),
    Rule(
        "f", "The adaptive method is never worse than GRPO and not below the best fixed method, at either start.",
        f"Area, adaptive minus GRPO and minus the fixed method with the largest mean area at that start. Holds if all four "
        f"intervals lie above -{MARGIN}; otherwise does not hold if one lies below 0.", adaptive_never_worse),
)  # fmt: skip
