"""The settings of a measurement, which become the options of `hicra signal`; the folder records them."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, model_validator

from hicra.errors import ConfigError
from hicra.signal.choice import check_choice
from hicra.strict import Count, Positive, Strict

LEAST_BATCHES = 3  # two have one inner product, and no spread of it
LEAST_GROUP = 2
METHODS = (
    "none",
    "hicra",
    "hicra_difficulty",
    "hicra_bonus",
    "difficulty_all",
    "hicra_recentred",
    "planning_only",
    "execution_only",
    "placebo",
)
DEVICE = re.compile(r"auto|cpu|cuda(:[0-9]+)?")


class SignalSettings(Strict):
    """How the signal is measured."""

    methods: tuple[str, ...] = Field(
        default=METHODS,
        description="Credit methods whose step is judged, each with settings of its own after an @.",
    )
    batches: Positive = Field(default=8, description="Number of batches; more make the intervals narrower.")
    prompts: Positive = Field(default=32, description="Number of prompts of a batch.")
    group: Positive = Field(default=8, description="Number of rollouts of a prompt.")
    baseline: str = Field(default="dr_grpo", description="What makes advantages of rewards, as in `hicra methods`.")
    parameters: str = Field(
        default="all",
        description="The parameters that gradients are of: all, last:K for the last K layers, or lora:R for adapters of rank R.",
    )
    project: Count = Field(
        default=0,
        description="Number of numbers that a random projection leaves of a gradient, such as 8192; 0 keeps whole gradients.",
    )
    temperature: float = Field(
        default=1.0, gt=0, le=10, description="Sampling temperature; the policy is the tempered one."
    )
    max_new_tokens: Positive = Field(default=256, description="Longest response, in tokens.")
    micro: Count = Field(default=0, description="Rollouts of one forward pass; 0 chooses by the size of the logits.")
    device: str = Field(
        default="auto", description="Where the model runs: cpu, cuda, cuda:N, or auto for a GPU if there is one."
    )
    threads: Count = Field(
        default=0,
        description="Threads of torch; 0 takes one for a model of less than a million weights, else torch's default.",
    )
    unit: str = Field(
        default="", description="The span type, gram or sentence; the default is what the lexicon is made for."
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Seed of problems, rollouts and projection.")

    @model_validator(mode="after")
    def _possible(self) -> SignalSettings:
        if self.batches < LEAST_BATCHES:
            raise ConfigError(
                f"batches is {self.batches}: signal is told from noise between batches, and {LEAST_BATCHES} are the fewest that "
                "have an interval (2 give one pair, which has no spread)",
                "give --batches 8, or at least 3",
            )
        if self.group < LEAST_GROUP:
            raise ConfigError(
                f"group is {self.group}: advantages compare the rollouts of one prompt, so it takes at least {LEAST_GROUP}",
                "give --group 8",
            )
        if not DEVICE.fullmatch(self.device):
            raise ConfigError(f"device is {self.device!r}", "give auto, cpu, cuda or cuda:N")
        if self.unit not in ("", "gram", "sentence"):
            raise ConfigError(f"unit is {self.unit!r}", "give gram or sentence")
        check_choice(self.parameters)
        return self

    def recorded(self) -> dict[str, Any]:
        """Returns what decides the result; where it is computed and how many rollouts at once are not among it."""
        return {
            key: value
            for key, value in self.model_dump(mode="json").items()
            if key not in ("micro", "threads", "device")
        }
