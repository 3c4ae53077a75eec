"""The registered contrasts, from the curves of the runs: `python judged.py` prints them as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kept
import numpy as np
from arms import ARMS, BUDGET, PAIRS, TARGET

from hicra.stats import holm, paired_comparison

sys.path.append(str(Path(__file__).resolve().parents[1] / "agents"))  # whose metric is used here too

from curve import area, interactions_to

OTHERS = ("grpo", "grpo_kl", "grpo_updates")  # what etpo is compared with
LEAST = 7  # complete pairs without which nothing is tested
MARGIN, LEVEL = 0.1, 0.05  # share of the budget that matters; level of Holm's p

Curve = list[tuple[float, float]]
Curves = Mapping[tuple[str, int], Curve]  # of an arm and a pair


def read(stored: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, int], Curve]:
    """Returns the curve of every stored run."""
    found = {}
    for name, line in stored.items():
        arm, pair = name.split("/")
        found[arm, int(pair)] = [(spent, success) for spent, success in line["curve"]]
    return found


def complete(curves: Curves) -> list[int]:
    """Returns the pairs that have every arm."""
    return [pair for pair in PAIRS if all((arm, pair) in curves for arm in ARMS)]


def contrasts(curves: Curves) -> dict[str, Any]:
    """Returns the pairs that count, the figures of every arm, and the contrasts with their verdicts."""
    pairs = complete(curves)
    if len(pairs) < LEAST:
        return {"pairs": pairs, "arms": {}, "contrasts": []}
    spent = {
        arm: np.array([interactions_to(TARGET, curves[arm, pair], BUDGET) / BUDGET for pair in pairs]) for arm in ARMS
    }
    figures = {
        arm: {
            "interactions": float(spent[arm].mean()), "reached": int((spent[arm] < 1).sum()),
            "area": float(np.mean([area(curves[arm, pair], BUDGET) for pair in pairs])),
            "begin": float(np.mean([curves[arm, pair][0][1] for pair in pairs])),
            "end": float(np.mean([curves[arm, pair][-1][1] for pair in pairs])),
        }
        for arm in ARMS
    }  # fmt: skip
    found = [paired_comparison(spent["etpo"], spent[other]) for other in OTHERS]
    made = [
        {
            "other": other, "difference": result.difference, "interval": [result.low, result.high], "p": result.p_value,
            "p_holm": float(p), "verdict": verdict(result.difference, result.low, float(p)),
        }
        for other, result, p in zip(OTHERS, found, holm([result.p_value for result in found]), strict=True)
    ]  # fmt: skip
    return {"pairs": pairs, "arms": figures, "contrasts": made}


def verdict(difference: float, low: float, p: float) -> str:
    """Returns what the registration says of a contrast; a difference below 0 is a saving."""
    if p < LEVEL:
        return "holds" if difference < 0 else "the reverse holds"
    return "does not hold" if low > -MARGIN else "cannot be told"


if __name__ == "__main__":
    print(json.dumps(contrasts(read(kept.read())), indent=1))
