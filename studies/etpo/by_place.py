"""Measures where credit and gradient signal lie by the place of a token: `python by_place.py --start DIR -o by_place.json`

ETPO trains for some steps. Then its policy is fixed and plays batches in groups, and two kinds of advantages are put on the same
tokens: Q - V of ETPO's critic, and GRPO's of the whole episode. For each place in an action it prints the share of the sum of
absolute advantages, and the share of the signal of the policy gradient (`hicra.metrics.gradient_signal`, the inner products of
different batches). Places whose signal is below 0 are shown so: it is an estimate. One thread.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from arms import BETA, EPISODES, GROUP, MOST, UPDATES, WORLD

from hicra import credit
from hicra.artifacts import write_text
from hicra.metrics.gradient_signal import signal_of_products
from hicra.related.agents.execute import Manner
from hicra.related.agents.stage import Stage, Wanted
from hicra.related.critics.places import places_of
from hicra.related.critics.train import CriticTraining
from hicra.runs.sections import RunConfig
from hicra.signal.gradients import batch_gradients

KINDS = ("etpo", "grpo")


def config(start: Path, steps: int, seed: int) -> RunConfig:
    """Returns the config of the ETPO that is trained first; seeds of batches follow those of the training."""
    return RunConfig.model_validate({
        "engine": "related", "task": WORLD, "model": {"name": str(start)},
        "system": {"name": "etpo", "settings": {"beta": BETA, "updates": UPDATES}},
        "train": {
            "steps": steps, "prompts_per_step": EPISODES, "learning_rate": 1e-3, "seed": seed, "max_new_tokens": MOST,
        },
    })  # fmt: skip


def batch(training: CriticTraining, seeds: list[int]) -> dict[str, Any]:
    """Plays groups at the policy as it is; returns sizes of advantages [m] and gradients [m,D] by place, of both kinds."""
    etpo = training.etpo
    wanted = [Wanted(seed) for seed in seeds for _ in range(GROUP)]
    played = Stage(etpo.place).execute(wanted, Manner(MOST))
    by_tokens, lesson = etpo.advantages(etpo.episodes(played))
    groups = np.repeat(np.arange(len(seeds)), GROUP)
    of_rows = credit.BASELINES["grpo"](np.array([one.reward for one in played]), groups)
    places = places_of(lesson.action_ids, lesson.mask)
    masks = np.stack([places == place for place in range(WORLD["settings"]["length"] + 1)])
    found: dict[str, Any] = {}
    for kind, values in zip(KINDS, (by_tokens, np.where(lesson.mask, of_rows[:, None], 0.0)), strict=True):
        basis = np.where(masks, values, 0.0)
        weights = list(training.model.parameters())
        found[kind] = (
            np.abs(basis).sum(axis=(1, 2)),
            batch_gradients(training.model, lesson.encoded, basis, parameters=weights),
        )
    return found


def measured(start: Path, steps: int, batches: int, seed: int) -> dict[str, Any]:
    """Returns by kind the shares of credit and of signal at each place."""
    training = CriticTraining(config(start, steps, seed))
    for _ in range(steps):
        figures = training.take()
    seeds = training.task.seeds("train", batches * EPISODES // GROUP, seed + 1)
    size = EPISODES // GROUP
    made = [batch(training, seeds[number * size : (number + 1) * size]) for number in range(batches)]
    out: dict[str, Any] = {"steps": steps, "batches": batches, "seed": seed, "success": figures["hicra/accuracy"]}
    for kind in KINDS:
        sizes = sum(one[kind][0] for one in made)
        rows = np.stack([one[kind][1] for one in made], axis=1).astype(np.float64)  # [m,N,D]
        signals = np.array([signal_of_products(of_place @ of_place.T, 0.95).signal for of_place in rows])
        out[kind] = {
            "credit": [round(float(one), 4) for one in sizes / sizes.sum()],
            "signal": [round(float(one), 4) for one in signals / signals.sum()],
        }  # fmt: skip
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--start", type=Path, required=True, help="a start model of recipes/etpo")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a JSON file")
    for name, default in (("steps", 12), ("batches", 16), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    given = parser.parse_args()
    found = measured(given.start, given.steps, given.batches, given.seed)
    write_text(given.output, json.dumps(found, indent=1) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
