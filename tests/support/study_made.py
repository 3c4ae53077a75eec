"""Made results of the hierarchy study: curves of known shape, so that every table, figure and verdict can be checked."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

ARMS = ("none", "hicra", "hicra_difficulty", "hicra_bonus", "placebo", "entropy_advantage", "hicra_adaptive")
GAINS = dict(zip(ARMS, (0.0, 0.08, 0.12, 0.05, 0.0, 0.06, 0.1), strict=True))
STEPS = {"strong": 80, "weak": 200}
RATES = {"strong": 6e-4, "weak": 2e-4}


def run(
    arm: str, start: str, warm: int, seed: int, *, part: str = "primary", lexicon: str = "exact",
    gain: float | None = None, settings: dict[str, Any] | None = None, spread: float = 0.02,
) -> dict[str, Any]:  # fmt: skip
    """One run: accuracy rises linearly from .2 (weak: .05) by .5 plus the arm's gain plus noise of the pair and of the run."""
    steps = STEPS[start]
    pair = np.random.default_rng([warm, seed])
    own = np.random.default_rng([warm, seed, zlib.crc32(f"{arm}{part}{lexicon}".encode())])
    first = 0.2 if start == "strong" else 0.05
    rise = 0.5 + (GAINS.get(arm, 0.0) if gain is None else gain) + pair.normal(0, 0.1) + own.normal(0, spread)
    at = list(range(0, steps + 1, 10))
    x = np.arange(1, steps + 1) / steps
    noise = own.normal(0, 0.01, (12, steps))
    curves = {
        "reward": first + rise * x + noise[0],
        "length": 30 + 8 * x + noise[1],
        "planning_share": 0.25 + 0.02 * x + noise[2] / 10,
        "entropy_planning": 0.6 - 0.2 * x + noise[3],
        "entropy_execution": 0.3 - 0.2 * np.minimum(1, 4 * x) + noise[4],
        "ppl_planning": 1.8 - 0.3 * x + noise[5],
        "ppl_execution": 1.4 - 0.3 * np.minimum(1, 4 * x) + noise[6],
        "semantic_entropy_rarefied": 1.0 + 0.8 * np.maximum(0, x - 0.4) + noise[7],
        "conditional_entropy": 2.0 + noise[8],
        "pass_at_8": np.minimum(0.95, 0.6 + x) + noise[9] / 10,
        "high_given_planning": 0.7 + noise[10],
        "retry_share": 0.2 + 0.4 * (x > 0.3) + noise[11],
    }
    rise_of = np.array(at) / steps
    evals = {
        "step": at,
        "accuracy": (first + rise * rise_of).tolist(),
        "failed_wrong_plan": (0.6 - 0.4 * rise_of).tolist(),
        "failed_wrong_execution": (0.2 - 0.05 * rise_of).tolist(),
        "first_plan_right": (0.2 + 0.5 * rise_of).tolist(),
        "equations_right": (0.9 + 0.05 * rise_of).tolist(),
        "strategy_entropy": (
            0.8 + (0.8 if lexicon != "two_missing" or arm != "hicra_bonus" else -0.4) * rise_of
        ).tolist(),
    }
    return {
        "part": part, "arm": arm, "start": start, "warm": warm, "seed": seed, "rate": RATES[start], "lexicon": lexicon,
        "settings": settings or {}, "steps": steps, "evals": evals,
        "curves": {name: values.tolist() for name, values in curves.items()}, "cpu_s": 90.0,
    }  # fmt: skip


def checkpoint(start: str, warm: int, step: int, accuracy: float, share: float) -> dict[str, Any]:
    """One measurement: the step of an arm is better than GRPO's by a third of its gain, where planning holds the signal."""
    rng = np.random.default_rng([warm, step])
    methods = {}
    for arm in (*ARMS[:-1], "planning_only"):
        better = (
            (GAINS.get(arm, -0.3) / 3 * share * (1 - 2 * accuracy) + rng.normal(0, 0.002)) if arm != "none" else 0.0
        )
        methods[arm] = {
            "cosine": 0.4 + better, "cosine_ci": [0.35, 0.45], "difference": better,
            "difference_ci": [better - 0.01, better + 0.01], "bias_cosine": 1.0, "snr": 0.3,
        }  # fmt: skip
    kinds = {
        name: {"signal": part, "noise": 1.0, "snr": part, "share": part, "ci": [part - 0.05, part + 0.05]}
        for name, part in (("planning", share), ("execution", 1 - share))
    }
    return {"start": start, "warm": warm, "step": step, "accuracy": accuracy, "kinds": kinds, "methods": methods}


def made(seeds: dict[str, int] | None = None, warm_starts: int = 4) -> dict[str, Any]:
    """Makes everything that is stored: runs of all parts, checkpoints, and the warm starts."""
    seeds = seeds or {"strong": 3, "weak": 2}
    runs = [
        run(arm, start, warm, 10 * warm + seed)
        for start, count in seeds.items() for arm in ARMS for warm in range(warm_starts) for seed in range(count)
    ]  # fmt: skip
    runs += [
        run("planning_only", "strong", warm, 10 * warm, part="demonstrations", gain=-0.5) for warm in range(warm_starts)
    ]
    for lexicon, gain in (("recall25", 0.02), ("recall75", 0.06), ("two_missing", 0.01), ("grams70", 0.08)):
        for arm in ("hicra", *(("hicra_bonus", "hicra_difficulty") if lexicon == "two_missing" else ())):
            runs += [
                run(arm, "strong", warm, 10 * warm + seed, part="masks", lexicon=lexicon, gain=gain)
                for warm in range(warm_starts) for seed in range(2)
            ]  # fmt: skip
    runs += [
        run("none", "strong", warm, 10 * warm, part="bonuses", settings={"bonus": 0.01}, gain=-0.05)
        for warm in range(warm_starts)
    ]  # fmt: skip
    for alpha in (0.1, 0.4):
        runs += [
            run("hicra", "strong", warm, 10 * warm + seed, part="alphas", settings={"alpha": alpha}, gain=alpha / 3)
            for warm in range(warm_starts) for seed in range(2)
        ]  # fmt: skip
    weak = ((0, 0.05, 0.1), (50, 0.26, 0.2), (100, 0.45, 0.6), (150, 0.62, 0.85), (200, 0.75, 0.7))
    meter = [checkpoint("strong", warm, 0, 0.2, 0.95) for warm in range(warm_starts)]
    meter += [checkpoint("weak", warm, *row) for warm in range(warm_starts) for row in weak]
    starts = [
        {"start": start, "warm": warm, "accuracy": accuracy, "equations_right": right, "sha256": "0" * 64}
        for start, accuracy, right in (("strong", 0.2, 0.99), ("weak", 0.05, 0.66)) for warm in range(warm_starts)
    ]  # fmt: skip
    return {"training": runs, "meter": {"checkpoints": meter}, "warmstarts": starts}


def write(stored: dict[str, Any], folder: Path) -> None:
    """Writes it as the study stores it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(one, sort_keys=True) + "\n" for one in stored["training"])
    (folder / "training.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    for name in ("meter", "warmstarts"):
        (folder / f"{name}.json").write_text(json.dumps(stored[name]), encoding="utf-8")
