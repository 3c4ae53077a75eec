"""Trains the two arms of the demo, each by `hicra train`, and compares them: one seed, so never a verdict."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from hicra import stats
from hicra.artifacts import write_text
from hicra.demo.jobs import Reach, Work, side_by_side
from hicra.demo.sampling import MINED

ARMS = ("none", "hicra")
SAID_EVERY = 5  # steps between two lines of progress
# Held-out accuracy of six GRPO runs and of HICRA minus GRPO at the same six seeds, least and greatest: this start, rate and
# number of steps (studies/first-comparison/results.json; tests/unit/test_demo.py compares).
GRPO_ENDS, DIFFERENCES = (0.567, 0.830), (-0.254, 0.154)


def write_config(out: Path, seed: int, steps: int, held_out: int) -> Path:
    """Writes the config of both arms, so that a user can train with it again."""
    config = {
        "task": {"name": "plan_execute"}, "model": {"name": f"plan-execute-{MINED}"}, "lexicon": "lexicon",
        "method": {"name": "hicra"},
        "train": {"steps": steps, "save_steps": steps, "seed": seed, "learning_rate": 6e-4, "prompts_per_step": 32,
                  "group_size": 8, "threads": 1},
        "eval": {"problems": held_out}, "log": {"rollouts_every": 10},
    }  # fmt: skip
    path = out / "config.yaml"
    write_text(path, yaml.safe_dump(config, sort_keys=False))
    return path


def train(out: Path, config: Path, steps: int, say: Callable[[str], None]) -> None:
    """Trains both arms as processes of one thread each.

    Raises:
        EngineError: one of them failed.
    """
    commands: dict[str, list[str | Path]] = {
        arm: ["hicra.cli", "train", "--config", config, "--method", arm, "-o", out / arm] for arm in ARMS
    }
    work = Work("training", "step", steps, SAID_EVERY)
    side_by_side(work, commands, out, lambda arm: latest(out / arm), say)


def latest(run: Path) -> Reach:
    """Returns how many steps a run has logged, and the reward of the last one if it has one."""
    path = run / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    reward = json.loads(lines[-1]).get("hicra/reward") if lines else None
    return Reach(len(lines), "" if reward is None else f"reward {reward:.2f}")


def compare(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Compares HICRA with GRPO on held-out accuracy; with one seed the verdict can only be "inconclusive"."""
    treatment, baseline = (evaluation[arm]["final"]["accuracy"] for arm in ("hicra", "none"))
    found = stats.paired_comparison([treatment], [baseline])
    return {
        "metric": "held-out accuracy", "baseline": "none", "arm": "hicra", "n_seeds": found.n, "difference": found.difference,
        "verdict": found.verdict, "why": f"one seed; a verdict needs at least {stats.LEAST_SEEDS} paired seeds",
        "chance": chance(),
    }  # fmt: skip


def chance() -> str:
    """Says by how much such runs differ by chance alone."""
    low, high = GRPO_ENDS
    least, greatest = DIFFERENCES
    return (
        f"One seed is a coin flip: six GRPO runs that differed in nothing but their seed ended {100 * (high - low):.0f} points "
        f"apart by chance alone ({100 * low:.1f} to {100 * high:.1f} % held out), and HICRA minus GRPO was {100 * least:+.0f} to "
        f"{100 * greatest:+.0f} points at the same seeds (studies/first-comparison). So neither arm is called better."
    )
