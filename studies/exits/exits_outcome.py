"""The registered contrasts, from the stored trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from exits_design import ARMS, SEEDS, SIDES, trials

from hicra.stats import holm, paired_comparison, t_interval

LEAST, LEVEL = 10, 0.05  # seeds without which a side does not count; level of Holm's p
Stored = Mapping[str, Mapping[str, Any]]


def ended(stored: Stored, hours: float = 1.0) -> bool:
    """Says whether the stop rule has ended the study: every trial is made, or the hour is spent."""
    spent = sum(line["seconds"] for line in stored.values())
    return all(trial.name in stored for trial in trials()) or spent >= hours * 3600


def seeds_of(stored: Stored, side: int) -> list[int]:
    """Returns the seeds of a side that are stored; none where they are fewer than a side needs to count."""
    found = [seed for seed in SEEDS if f"{side}/{seed}" in stored]
    return found if len(found) >= LEAST else []


def regret(stored: Stored, side: int, arm: str, seeds: list[int]) -> np.ndarray:
    """Returns the regret of an arm over all episodes, [seeds]."""
    return np.array([stored[f"{side}/{seed}"]["arms"][arm]["regret"][-1] for seed in seeds])


def contrasts(stored: Stored) -> list[dict[str, Any]]:
    """Returns the registered contrasts that can be tested, each with its difference, interval, p, Holm's p and verdict."""
    pairs = []
    for side in SIDES:
        if seeds := seeds_of(stored, side):
            one, other = (regret(stored, side, arm, seeds) for arm in ("graph", "flat"))
            pairs.append((f"graph minus flat, side {side}", one, other, -1))
    small, large = SIDES[0], SIDES[-1]
    both = sorted({*seeds_of(stored, small)} & {*seeds_of(stored, large)})
    if len(both) >= LEAST:
        saved = [regret(stored, side, "flat", both) - regret(stored, side, "graph", both) for side in (large, small)]
        pairs.append((f"saved at side {large} less saved at side {small}", saved[0], saved[1], 1))
    found = [paired_comparison(one, other) for _, one, other, _ in pairs]
    corrected = holm([one.p_value for one in found])
    return [
        {
            "contrast": name, "n": one.n, "difference": one.difference, "interval": [one.low, one.high], "p": one.p_value,
            "p_holm": float(p), "verdict": verdict(one.difference * sign, float(p)),
        }
        for (name, _, _, sign), one, p in zip(pairs, found, corrected, strict=True)
    ]  # fmt: skip


def verdict(wanted: float, p: float) -> str:
    """Returns what the registration says of a contrast whose difference has the promised sign where `wanted` is above 0."""
    if p >= LEVEL:
        return "cannot be told"
    return "holds" if wanted > 0 else "the reverse holds"


def of_side(stored: Stored, side: int) -> dict[str, Any]:
    """Returns the figures of a side: mean regret and CPU-seconds of each arm, what training recovered, and graph less inside."""
    seeds = seeds_of(stored, side)
    lines = [stored[f"{side}/{seed}"] for seed in seeds]
    arms = {}
    for arm in ARMS:
        values = regret(stored, side, arm, seeds)
        seconds = float(np.mean([line["arms"][arm]["seconds"] for line in lines]))
        arms[arm] = {"regret": float(values.mean()), "interval": t_interval(values), "seconds": seconds}
    less = regret(stored, side, "graph", seeds) - regret(stored, side, "inside", seeds)
    return {
        "seeds": len(seeds), "arms": arms, "less": float(less.mean()), "less_interval": t_interval(less),
        "whole": sum(line["precision"] == line["recall"] == 1 for line in lines),
        "precision": float(np.mean([line["precision"] for line in lines])),
        "recall": float(np.mean([line["recall"] for line in lines])),
    }  # fmt: skip
