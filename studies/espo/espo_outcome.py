"""The registered contrasts, from the curves of the runs: `python espo_outcome.py` prints them as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import espo_results
import numpy as np
from espo_design import ARMS, PAIRS

from hicra.stats import holm, paired_comparison

PRIMARY = (("espo", "token_elbo"), ("espo", "sequence_mean_field"), ("espo", "token_mean_field"))
EXPLORATORY = (("espo", "espo_k3"),)
LEAST = 7  # complete pairs without which nothing is tested; of six the smallest p after Holm is 0.09
MARGIN, LEVEL = 0.05, 0.05  # share of problems that matters; level of Holm's p
KEPT = 0.5  # of its best success a run keeps at the end, or it has collapsed
SEEN = 5  # runs that collapse

Curve = Sequence[Sequence[float]]  # (step, solved, reward) of each evaluation, in order


def mean_solved(curve: Curve) -> float:
    """Returns the mean share of solved problems over the steps, by the trapezoid rule.

    >>> mean_solved([(0, 0.0, 0), (10, 1.0, 0), (30, 0.5, 0)])
    0.6666666666666666
    """
    area = sum((later[0] - sooner[0]) * (sooner[1] + later[1]) / 2 for sooner, later in pairwise(curve))
    return area / (curve[-1][0] - curve[0][0])


def collapsed(curve: Curve) -> bool:
    """Says whether a run ended below half of its best evaluation.

    >>> collapsed([(0, 0.1, 0), (10, 0.6, 0), (20, 0.29, 0)]), collapsed([(0, 0.1, 0), (10, 0.6, 0), (20, 0.3, 0)])
    (True, False)
    """
    return bool(curve[-1][1] < KEPT * max(one[1] for one in curve))


def collapse_seen(arms: Mapping[str, Mapping[str, float]]) -> bool:
    """Says whether the paper's statement is seen that token ratios collapse where a ratio of responses stays."""
    return bool(arms["token_elbo"]["collapsed"] >= SEEN and arms["espo"]["collapsed"] <= 1)


def complete(stored: Mapping[str, Mapping[str, Any]]) -> list[int]:
    """Returns the pairs that have every arm."""
    return [pair for pair in PAIRS if all(f"{arm}/{pair}" in stored for arm in ARMS)]


def contrasts(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the pairs that count, the figures of every arm, and the contrasts with their verdicts."""
    pairs = complete(stored)
    if len(pairs) < LEAST:
        return {"pairs": pairs, "arms": {}, "contrasts": []}
    curves = {arm: [stored[f"{arm}/{pair}"]["curve"] for pair in pairs] for arm in ARMS}
    means = {arm: np.array([mean_solved(curve) for curve in mine]) for arm, mine in curves.items()}
    arms = {
        arm: {
            "mean": float(means[arm].mean()), "start": float(np.mean([curve[0][1] for curve in mine])),
            "end": float(np.mean([curve[-1][1] for curve in mine])), "collapsed": sum(map(collapsed, mine)),
            "seconds": float(np.mean([stored[f"{arm}/{pair}"]["seconds"] for pair in pairs])),
        }
        for arm, mine in curves.items()
    }  # fmt: skip
    found = {pair: paired_comparison(means[pair[0]], means[pair[1]]) for pair in (*PRIMARY, *EXPLORATORY)}
    adjusted = dict(zip(PRIMARY, holm([found[pair].p_value for pair in PRIMARY]), strict=True))
    made = []
    for (one, other), result in found.items():
        p = float(adjusted[one, other]) if (one, other) in adjusted else None
        made.append({
            "contrast": f"{one} minus {other}", "difference": result.difference, "interval": [result.low, result.high],
            "p": result.p_value, "p_holm": p,
            "verdict": "exploratory" if p is None else verdict(result.difference, result.high, p),
        })  # fmt: skip
    return {"pairs": pairs, "arms": arms, "contrasts": made}


def verdict(difference: float, high: float, p: float) -> str:
    """Returns what the registration says of a contrast."""
    if p < LEVEL:
        return "holds" if difference > 0 else "the reverse holds"
    return "does not hold" if high < MARGIN else "cannot be told"


if __name__ == "__main__":
    print(json.dumps(contrasts(espo_results.read(espo_results.RESULTS)), indent=1))
