"""Every run of the study, in the order in which they are made: the registered design as data.

A run is known by its arm and its pair. The runs of a pair share start model, seed and held-out problems. The order goes pair by
pair, so that whatever the budget cuts off, the arms have equally many runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hicra.related.likelihoods.loss import Objective
from hicra.related.likelihoods.train import ESPOSettings

PUZZLE, PUZZLE_SETTINGS = "sudoku", {"fewest": 6, "most": 10, "careless": 0.8, "train": 1000, "held_out": 128}
ARMS: dict[str, dict[str, Any]] = {
    "espo": {"masks": "coupled"},
    "token_elbo": {"masks": "coupled", "level": "token"},
    "sequence_mean_field": {"masks": "mean_field"},
    "token_mean_field": {"masks": "mean_field", "level": "token"},
    "espo_k3": {"masks": "coupled", "kl": "k3"},
}  # masks of the likelihood, and what of the objective is not ESPO's
PAIRS = tuple(range(1, 9))  # each has a start model of its own
UPDATES, BATCH = 400, 64  # of pre-training; see PREREGISTRATION.md
STEPS, EVERY = 50, 10  # of training, and between two evaluations
DENOISING = 16  # steps in which sixteen tokens are uncovered
RATES = {
    "espo": 3e-4, "token_elbo": 3e-4, "sequence_mean_field": 1e-4, "token_mean_field": 1e-4, "espo_k3": 3e-4,
}  # learning rates, chosen by the pilots; see PREREGISTRATION.md  # fmt: skip
PILOT_RATES, PILOT = (1e-4, 3e-4, 1e-3), 90
FIRST_SEED = 1000
MINUTES = 60.0  # of processor time, after which no run begins


@dataclass(frozen=True)
class Planned:
    """One run.

    Attributes:
        arm: a name of ARMS.
        pair: number of the pair, and of its start model.
        rate: the learning rate of a pilot; None in a registered run, which has that of its arm.
    """

    arm: str
    pair: int
    rate: float | None = None

    @property
    def name(self) -> str:
        return f"{self.arm}/{self.pair}" + (f"/{self.rate:g}" if self.rate else "")

    @property
    def settings(self) -> ESPOSettings:
        """The settings of the training."""
        given = dict(ARMS[self.arm])
        return ESPOSettings(
            prompts=4, group_size=8, mu=4, n_mc=1, masks=given.pop("masks"), objective=Objective(**given),
            learning_rate=self.rate or RATES[self.arm], steps=DENOISING, seed=FIRST_SEED + self.pair,
        )  # fmt: skip


def runs() -> Iterator[Planned]:
    """Yields every registered run in its order."""
    for pair in PAIRS:
        for arm in ARMS:
            yield Planned(arm, pair)


def pilots() -> Iterator[Planned]:
    """Yields every pilot."""
    for arm in ARMS:
        for rate in PILOT_RATES:
            yield Planned(arm, PILOT, rate)
