"""The registered contrasts, from the curves of the runs: `python outcome.py` prints them as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import made_runs
import numpy as np
from curve import area, interactions_to
from design import ARMS, BUDGET, ENVIRONMENTS, PAIRS, TARGET

from hicra.stats import holm, paired_comparison

PRIMARY = (("himac", "grpo"), ("himac", "gigpo"), ("himac", "no_alternation"))
LEAST = 7  # complete pairs without which a world does not count; of six the smallest p after Holm is 0.09
MARGIN, LEVEL = 0.1, 0.05  # share of the budget that matters; level of Holm's p

Curve = list[tuple[float, float]]
Curves = Mapping[tuple[str, str, int], Curve]  # of an environment, an arm and a pair


def read(stored: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str, int], Curve]:
    """Returns the curve of every stored run."""
    found = {}
    for name, line in stored.items():
        environment, arm, pair = name.split("/")
        found[environment, arm, int(pair)] = [(spent, success) for spent, success in line["curve"]]
    return found


def complete(curves: Curves, environment: str) -> set[int]:
    """Returns the pairs of a world that have every arm."""
    return {pair for pair in PAIRS if all((environment, arm, pair) in curves for arm in ARMS)}


def worlds_and_pairs(curves: Curves) -> tuple[list[str], list[int]]:
    """Returns the worlds that count, and the pairs that are complete in all of them."""
    worlds = [one for one in ENVIRONMENTS if len(complete(curves, one)) >= LEAST]
    pairs = set(PAIRS).intersection(*(complete(curves, one) for one in worlds)) if worlds else set()
    return worlds, sorted(pairs)


def needed(curves: Curves, arm: str, worlds: Iterable[str], pairs: Iterable[int]) -> np.ndarray:
    """Returns for each pair the mean over worlds of interactions to the target, as a share of the budget."""
    return np.array([
        np.mean([interactions_to(TARGET, curves[world, arm, pair], BUDGET[world]) / BUDGET[world] for world in worlds])
        for pair in pairs
    ])  # fmt: skip


def contrasts(curves: Curves) -> dict[str, Any]:
    """Returns the worlds and pairs that count, the figures of every arm, and the primary contrasts with their verdicts."""
    worlds, pairs = worlds_and_pairs(curves)
    if len(pairs) < LEAST:
        return {"worlds": worlds, "pairs": pairs, "arms": {}, "contrasts": []}
    spent = {arm: needed(curves, arm, worlds, pairs) for arm in ARMS}
    arms = {arm: {"interactions": float(spent[arm].mean()), **of_arm(curves, arm, worlds, pairs)} for arm in ARMS}
    found = [paired_comparison(spent[one], spent[other]) for one, other in PRIMARY]
    made = []
    for (one, other), result, p in zip(PRIMARY, found, holm([result.p_value for result in found]), strict=True):
        made.append({
            "contrast": f"{one} minus {other}", "difference": result.difference, "interval": [result.low, result.high],
            "p": result.p_value, "p_holm": float(p), "verdict": verdict(result.difference, result.low, float(p)),
        })  # fmt: skip
    return {"worlds": worlds, "pairs": pairs, "arms": arms, "contrasts": made}


def of_arm(curves: Curves, arm: str, worlds: Iterable[str], pairs: list[int]) -> dict[str, float]:
    """Returns mean success over the budget and at the end, and the share of runs that reached the target."""
    mine = [(curves[world, arm, pair], BUDGET[world]) for world in worlds for pair in pairs]
    return {
        "area": float(np.mean([area(curve, budget) for curve, budget in mine])),
        "end": float(np.mean([curve[-1][1] for curve, _ in mine])),
        "reached": sum(interactions_to(TARGET, curve, budget) < budget for curve, budget in mine) / len(mine),
    }


def verdict(difference: float, low: float, p: float) -> str:
    """Returns what the registration says of a contrast; a difference below 0 is a saving."""
    if p < LEVEL:
        return "holds" if difference < 0 else "the reverse holds"
    return "does not hold" if low > -MARGIN else "cannot be told"


if __name__ == "__main__":
    print(json.dumps(contrasts(read(made_runs.read())), indent=1))
