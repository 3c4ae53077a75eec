"""HICRA in SkyRL: a mixin before its trainer class, which shapes after SkyRL's own estimator.

    from hicra.engines.skyrl import HicraSkyRL
    class HicraTrainer(HicraSkyRL, RayPPOTrainer):
        hicra = {"lexicon": "paper", "method_settings": {"alpha": 0.1}}

Return it from `BasePPOExp.get_trainer`. The keys of `hicra` are those of `hicra.engines.chosen`. torch is imported when the
trainer shapes.

Deviations:
ENGINE-4. Policy tokens are those that SkyRL trains on: of the response and in the loss mask, so that a rollout that SkyRL has
    masked (without a spread of rewards in its group, or too long) is in no metric. In step-wise training each row is one step of
    a trajectory, so methods that look beyond a row would compare steps with trajectories, and are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from hicra.arrays import as_numpy
from hicra.credit.border import exact_ids
from hicra.engines.chosen import SECTION, Choice, announce, shaping_of
from hicra.errors import ConfigError, EngineError
from hicra.lexicon import Lexicon

HAVE = ("response_ids", "response_mask", "planning_mask", "group_ids", "rewards")
ESTIMATOR = "compute_advantages_and_returns"
Trainer: Any = object  # stands for the trainer class that HicraSkyRL is put before


class HicraSkyRL(Trainer):  # type: ignore[misc]
    """Adds HICRA to a SkyRL trainer that stands after it: `class Mine(HicraSkyRL, RayPPOTrainer)`.

    Attributes:
        hicra: keys of `hicra.engines.chosen.Choice`; absent ones take the defaults.

    Raises:
        EngineError: a trainer class stands before HicraSkyRL, as the class is made: its estimator would be the one that runs.
        ConfigError, ArtifactError, DataError: a key or a value of `hicra` is refused, as the trainer is made.
    """

    hicra: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        before = cls.__mro__[: cls.__mro__.index(HicraSkyRL)]
        hiding = [one for one in before if ESTIMATOR in vars(one) and not issubclass(one, HicraSkyRL)]
        if hiding:
            raise EngineError(
                f"{hiding[0].__name__} stands before HicraSkyRL, so that nothing would be shaped",
                f"write class {cls.__name__}(HicraSkyRL, {hiding[0].__name__})",
            )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._hicra_chosen = Choice.read(self.hicra, SECTION)
        self._hicra_credit = self._hicra_chosen.assignment(HAVE, "SkyRL")
        lexicon = Lexicon.load(self._hicra_chosen.lexicon)  # a wrong one is found here, not after a batch is sampled
        announce(self._hicra_credit, lexicon, "SkyRL")
        super().__init__(*args, **kwargs)

    def compute_advantages_and_returns(self, data: Any) -> Any:
        """Shapes the `advantages` [B,T] that SkyRL computes; `returns` stay, and `all_metrics` gets what a run logs."""
        import torch

        data = super().compute_advantages_and_returns(data)
        credit, stepwise = self._hicra_credit, "is_last_step" in data.metadata
        if credit.wide and stepwise:
            raise ConfigError(
                f"{credit.name} compares rollouts with each other, and in step-wise training a row is one step of a rollout",
                "choose a method that looks at one rollout at a time (`hicra methods NAME` says it), or set "
                "generator.step_wise_trajectories=false",
            )
        base = data["advantages"]
        rows = len(base) - data.metadata.get(
            "pad_size", 0
        )  # SkyRL pads with copies of the first row, outside of the loss
        made = shaping_of(
            credit, self._hicra_chosen.lexicon, self.tokenizer, self._hicra_chosen.unit
        ).generation(
            [],
            ids=as_numpy(data["sequences"][:rows, -base.shape[1] :]),  # the response ends where the sequence ends
            live=as_numpy((data["response_mask"][:rows] != 0) & (data["loss_mask"][:rows] != 0)),
            base=as_numpy(base[:rows]),
            rewards=as_numpy(data["rewards"][:rows].sum(dim=-1)).astype(np.float64),
            group_size=1,
            group_ids=exact_ids(list(data.metadata["uids"][:rows])),
        )
        shaped = torch.from_numpy(made.arrays["advantages"]).to(base)
        data["advantages"] = torch.cat([shaped, base[rows:]])
        self.all_metrics.update({name: value for name, value in made.stats.values().items() if value is not None})
        return data
