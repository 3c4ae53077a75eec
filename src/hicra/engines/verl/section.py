"""The section `hicra` of verl's config: what every engine is told by name, and what verl alone needs.

    +hicra.method=hicra +hicra.lexicon=paper +hicra.threads=16 +hicra.loss=dual_clip

Deviations (the paper trains with a fork of verl and prints no code of it):
VERL-5. A loss of hicra replaces verl's policy loss and nothing else: verl's entropy and KL terms stay, and are averaged as verl's
    `loss_agg_mode` says. How the loss itself is averaged is its setting `mean`, by verl's function of that meaning, so a batch
    that is seen in parts by several workers is divided by its own totals. `most_tokens` is `data.max_response_length` where it
    is not given.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from pydantic import Field

from hicra.credit import Assignment
from hicra.credit.assignment import choose
from hicra.credit.loss import Loss
from hicra.engines.chosen import Choice
from hicra.errors import ConfigError
from hicra.strict import Positive
from hicra.workers.threads import MOST, usable_cores


class Section(Choice):
    """What is chosen by name, in a run of verl."""

    threads: Positive | None = Field(
        default=None,
        description=f"Threads that tag and shape in the process which drives the run; null takes its cores, at most {MOST}.",
    )
    loss: str | None = Field(
        default=None,
        description="A loss of `hicra methods`, or module:function; null takes verl's policy loss.",
    )
    loss_settings: dict[str, Any] = Field(default={}, description="Settings of the loss.")

    def assignment(self, have: Collection[str] | None = None, engine: str = "") -> Assignment:
        """Returns the baseline, the shapers and the loss; arguments are as for `Choice.assignment`.

        Raises:
            ConfigError: as there, or the loss needs more than verl hands to a policy loss.
        """
        credit = super().assignment(have, engine)
        if self.loss is None:
            if self.loss_settings:
                raise ConfigError(
                    f"{self._keys('loss.settings')} is given and {self._keys('loss.name')} is not",
                    "name a loss, or leave out its settings",
                )
            return credit
        loss = choose(Loss, self.loss, self.loss_settings, "loss.name", self._keys)
        if loss.entry.needs:
            raise ConfigError(
                f"loss {loss.entry.name!r} needs {loss.entry.needs[0]}, which verl does not hand to a policy loss",
                "choose another loss (`hicra methods` lists the needs), or verl's actor_rollout_ref.actor.entropy_coeff",
            )
        return dataclasses.replace(credit, loss=loss)

    def thread_count(self) -> int:
        """Returns the number of threads of the process that drives a run.

        OMP_NUM_THREADS says nothing here: Ray sets it to 1 in every process for which no number of cores was asked, such as this
        one, and the workers wait while it shapes.
        """
        return self.threads or min(MOST, usable_cores())
