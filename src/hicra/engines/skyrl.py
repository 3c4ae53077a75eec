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
from hicra.engines.order import refuse_order
from hicra.errors import ConfigError, DataError, EngineError
from hicra.lexicon import Lexicon

READ = ("sequences", "response_mask", "loss_mask", "rewards", "advantages")  # of a batch
OTHER_SKYRL = "this version of SkyRL is not the one that hicra was tested with: see docs/engines/skyrl.md"
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
            refuse_order(cls, HicraSkyRL, hiding[0])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._hicra_chosen = Choice.read(self.hicra, SECTION)
        self._hicra_credit = self._hicra_chosen.assignment(HAVE, "SkyRL")
        lexicon = Lexicon.load(self._hicra_chosen.lexicon)  # a wrong one is found here, not after a batch is sampled
        announce(self._hicra_credit, lexicon, "SkyRL")
        super().__init__(*args, **kwargs)

    def compute_advantages_and_returns(self, data: Any) -> Any:
        """Shapes the `advantages` [B,T] that SkyRL computes; `returns` stay, and `all_metrics` gets what a run logs.

        Raises:
            ConfigError: the method looks beyond a row, and the rows are steps of trajectories.
            DataError: SkyRL's own advantage of a policy token is not finite.
            EngineError: the batch is not as in the SkyRL that this was tested with.
        """
        import torch

        data = super().compute_advantages_and_returns(data)
        credit, stepwise = self._hicra_credit, "is_last_step" in data.metadata
        if credit.wide and stepwise:
            raise ConfigError(
                f"{credit.name} compares rollouts with each other, and in step-wise training a row is one step of a rollout",
                "choose a method that looks at one rollout at a time (`hicra methods NAME` says it), or set "
                "generator.step_wise_trajectories=false",
            )
        rows = _rows(data)
        base = data["advantages"]
        live = as_numpy((data["response_mask"][:rows] != 0) & (data["loss_mask"][:rows] != 0))
        own = as_numpy(base[:rows])
        if len(bad := np.argwhere(live & ~np.isfinite(own))):
            row, token = bad[0].tolist()
            raise DataError(
                f"SkyRL's own advantage of row {row}, token {token} is {own[row, token]}",
                "give every trajectory a finite reward: one that is not spoils its whole group",
            )
        made = shaping_of(
            credit, self._hicra_chosen.lexicon, self.tokenizer, self._hicra_chosen.unit
        ).generation(
            [],
            ids=as_numpy(data["sequences"][:rows, -base.shape[1] :]),  # the response ends where the sequence ends
            live=live,
            base=own,
            rewards=as_numpy(data["rewards"][:rows].sum(dim=-1)).astype(np.float64),
            group_size=1,
            group_ids=exact_ids(list(data.metadata["uids"][:rows])),
        )
        shaped = torch.from_numpy(made.arrays["advantages"]).to(base)
        data["advantages"] = torch.cat([shaped, base[rows:]])
        self.all_metrics.update({name: value for name, value in made.stats.values().items() if value is not None})
        return data


def _rows(data: Any) -> int:
    """Returns the number of rows of a batch that are no padding: SkyRL pads with copies of the first row, outside of the loss.

    Raises:
        EngineError: a field is missing, or has another shape than the others.
    """
    if absent := [name for name in READ if name not in data or data[name] is None]:
        raise EngineError(f"SkyRL's batch has no {absent[0]!r}", OTHER_SKYRL)
    shape, uids, pad = tuple(data["advantages"].shape), data.metadata.get("uids"), data.metadata.get("pad_size", 0)
    for name in ("response_mask", "loss_mask"):
        if len(shape) != 2 or tuple(data[name].shape) != shape:
            raise EngineError(
                f"SkyRL's advantages have shape {shape} and its {name} {tuple(data[name].shape)}", OTHER_SKYRL
            )
    if not isinstance(pad, int) or not 0 <= pad <= shape[0]:
        raise EngineError(f"pad_size of SkyRL's batch of {shape[0]} rows is {pad!r}", OTHER_SKYRL)
    if uids is None or len(uids) < shape[0] - pad:
        raise EngineError(
            f"SkyRL's batch has {'no' if uids is None else len(uids)} uids for {shape[0] - pad} rows", OTHER_SKYRL
        )
    return int(shape[0] - pad)
