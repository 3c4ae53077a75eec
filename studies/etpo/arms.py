"""Every run of the study, in the order in which they are made: the registered design as data.

A run is known by its arm and pair. The runs of a pair share start model, training seeds and held-out episodes. The order goes
pair by pair, so that whatever the budget cuts off, the arms have equally many runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

WORLD = {"name": "strings", "settings": {"strings": 2, "letters": 4, "length": 5, "counts": 4, "longest": 8}}
EPISODES, GROUP, MOST = 64, 16, 8  # episodes of a step, of a group, and tokens of an action
BETA, UPDATES = 0.1, 8  # weight of the KL term, and updates on a generation where there are several
ARMS: dict[str, dict[str, Any]] = {
    "etpo": {
        "system": {"name": "etpo", "settings": {"beta": BETA, "updates": UPDATES}},
        "train": {"prompts_per_step": EPISODES},
    },
    "grpo": {"system": {"name": "grpo"}},
    "grpo_kl": {"system": {"name": "grpo"}, "train": {"kl": BETA}},
    "grpo_updates": {"system": {"name": "grpo"}, "train": {"kl": BETA, "iterations": UPDATES, "save_steps": 2_000}},
}  # keys of the config of each arm over those that all share
RATES = {"etpo": 3e-3, "grpo": 1e-3, "grpo_kl": 1e-3, "grpo_updates": 3e-4}  # by pilots; see PREREGISTRATION.md
PAIRS = tuple(range(1, 9))
BUDGET, EVALUATIONS, HELD_OUT = 6_000, 12, 64  # interactions of a run, evaluations besides the first, episodes of each
TARGET = 0.6
FIRST_SEED = 1000
PILOT = 90  # pairs from here on are pilots
HOURS = 1.0  # of processor time, after which no run begins
MOST_STEPS = 2_000  # more than the budget allows


@dataclass(frozen=True)
class Trial:
    """One run.

    Attributes:
        arm: a name of ARMS.
        pair: number of the pair, and seed of its start model.
        rate: learning rate of the policy.
    """

    arm: str
    pair: int
    rate: float

    @property
    def name(self) -> str:
        """Its name; that of a pilot tells the rate as well."""
        return f"{self.arm}/{self.pair}" + (f"/{self.rate:g}" if self.pair >= PILOT else "")

    def config(self, start: str) -> dict[str, Any]:
        """Returns the whole config of the run from a start model."""
        own = ARMS[self.arm]
        train = {
            "steps": MOST_STEPS, "learning_rate": self.rate, "seed": FIRST_SEED + self.pair, "max_new_tokens": MOST,
            **({} if self.arm == "etpo" else {
                "save_steps": MOST_STEPS, "prompts_per_step": EPISODES // GROUP, "group_size": GROUP, "warmup_steps": 0,
            }),
            **own.get("train", {}),
        }  # fmt: skip
        rest = {} if self.arm == "etpo" else {"log": {"rollouts_every": 0}}
        return {
            "engine": "related", "task": WORLD, "system": own["system"], "model": {"name": start},
            "method": {"name": "none"}, "train": train, **rest,
        }  # fmt: skip


def trials() -> Iterator[Trial]:
    """Yields every run in its order."""
    for pair in PAIRS:
        for arm in ARMS:
            yield Trial(arm, pair, RATES[arm])
