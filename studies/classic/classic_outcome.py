"""What the registration says of the stored runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from classic_design import (
    ENOUGH,
    HOURS,
    OPARL_ARMS,
    OPARL_SEEDS,
    OPARL_TASKS,
    PEAR_ARMS,
    PEAR_SEEDS,
    runs,
)  # fmt: skip

from hicra.stats import holm, paired_comparison

LEVEL, LEARNED = 0.05, 0.1  # level of Holm's p; mean success at the end below which nothing was learned
Stored = Mapping[str, Mapping[str, Any]]


def ended(stored: Stored, system: str) -> bool:
    """Says whether the stop rule has ended a study: every run is made, or its hours are spent."""
    spent = sum(line["seconds"] for name, line in stored.items() if name.startswith(f"{system}/")) / 3600
    return all(run.name in stored for run in runs() if run.system == system) or spent >= HOURS[system]


def of_pear(stored: Stored, arm: str, seed: int) -> Mapping[str, Any]:
    return stored[f"pear/PointMaze_UMaze-v3/{arm}/{seed}"]


def pairs(stored: Stored) -> list[int]:
    """Returns the seeds that every arm of PEAR has."""
    return [seed for seed in PEAR_SEEDS if all(f"pear/PointMaze_UMaze-v3/{arm}/{seed}" in stored for arm in PEAR_ARMS)]


def pear(stored: Stored) -> dict[str, Any]:
    """Returns of each arm mean success over the evaluations and at the end, and the contrasts, none where nothing can be read."""
    seeds = pairs(stored)
    if not seeds:
        return {"pairs": 0, "arms": {}, "contrasts": [], "success": {}}
    success = {
        arm: np.array([[share for _, share in of_pear(stored, arm, seed)["success"]] for seed in seeds])
        for arm in PEAR_ARMS
    }
    arms = {arm: {"mean": float(found.mean()), "end": float(found[:, -1].mean())} for arm, found in success.items()}
    readable = len(seeds) == len(PEAR_SEEDS) and max(one["end"] for one in arms.values()) >= LEARNED
    contrasts: list[dict[str, Any]] = []
    if readable:
        others = ("plain", "fixed")
        found = [paired_comparison(success["pear"].mean(axis=1), success[other].mean(axis=1)) for other in others]
        for other, one, p in zip(others, found, holm([one.p_value for one in found]), strict=True):
            contrasts.append({
                "contrast": f"pear minus {other}", "difference": one.difference, "interval": [one.low, one.high],
                "p_holm": float(p), "verdict": verdict(one.difference, float(p)),
            })  # fmt: skip
    return {"pairs": len(seeds), "arms": arms, "contrasts": contrasts, "success": success}


def verdict(difference: float, p: float) -> str:
    """Returns what the registration says of a contrast."""
    if p >= LEVEL:
        return "cannot be told"
    return "holds" if difference > 0 else "the reverse holds"


def oparl(stored: Stored) -> dict[str, Any]:
    """Returns the mean return of each run on Pendulum, the coverage of each run on MountainCarContinuous, and the verdict."""
    pendulum, car = OPARL_TASKS
    returns = {
        arm: [float(np.mean(stored[f"oparl/{pendulum}/{arm}/{seed}"]["returns"])) for seed in OPARL_SEEDS]
        for arm in OPARL_ARMS
    }
    seen = {arm: [stored[f"oparl/{car}/{arm}/{seed}"]["coverage"] for seed in OPARL_SEEDS] for arm in OPARL_ARMS}
    learned = all(one > ENOUGH for one in returns["oparl"])
    return {"returns": returns, "coverage": seen, "verdict": "holds" if learned else "does not hold"}
