"""Trainer modes of verl that shape credit: verl's own trainers, with three overrides that call super() and no copied code.

    trainer.v1.trainer_mode=hicra_sync +hicra.method=hicra +hicra.lexicon=paper

- `_init_tokenizer` makes the shaping, before any worker is started.
- `_compute_advantage` shapes what verl's estimator gave, and writes `advantages` and `planning_mask` back for the workers.
- `step` adds the metrics. They are pooled over all updates of the step, and are no mean of means.

All this runs in the one process that drives a run, on the whole batch, so there is nothing to gather.

verl decides by the name of the mode whether a run is synchronous: which buffer holds the rollouts, what a checkpoint holds, and
where it reads the settings of the mode. So a trainer here goes by the name of the one that it extends (`trainer_mode`), and
settings stay where they are, as in `trainer.v1.separate_async.parameter_sync_step`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
import transfer_queue as tq
from omegaconf import OmegaConf
from tensordict import TensorDict
from verl.trainer.ppo.v1 import PPOTrainerColocateAsync, PPOTrainerSeparateAsync, PPOTrainerSync, register_trainer
from verl.trainer.ppo.v1.trainer_base import PPOTrainer, response_to_nested

from hicra.arrays import Array, Bools, as_numpy
from hicra.drawing.readable import counted
from hicra.engines.chosen import SECTION, announcement
from hicra.engines.order import refuse_order
from hicra.engines.verl.rows import Credit, VerlRows, verdicts
from hicra.engines.verl.section import Section
from hicra.engines.verl.versions import refuse_unknown
from hicra.errors import ConfigError, EngineError
from hicra.lexicon import Lexicon

BEFORE = ("uid", "responses", "response_mask", "rm_scores", "extra_fields")
AFTER = ("response_mask", "advantages", "entropy", "old_log_probs")
Trainer: Any = object  # stands for the trainer of verl that HicraVerlMixin is put before


class HicraVerlMixin(Trainer):  # type: ignore[misc]
    """Adds HICRA to a v1 trainer of verl that stands after it.

    Attributes:
        extends: the mode of that trainer, by verl's name.
        hicra: shapes and counts, once the tokenizer is loaded.

    Raises:
        EngineError: the trainer class stands before HicraVerlMixin (said as the class is made), or the version of verl is none
            that was tested.
        ConfigError: the section `hicra` of the config is refused.
    """

    extends: ClassVar[str]
    hicra: Credit

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_order(cls, HicraVerlMixin, PPOTrainer)

    def __init__(self, config: Any) -> None:
        refuse_unknown()
        section = config.get(SECTION)
        plain = OmegaConf.to_container(section, resolve=True) if OmegaConf.is_config(section) else section
        self._hicra_chosen = Section.read(plain, SECTION)
        credit = self._hicra_chosen.assignment()
        Lexicon.load(self._hicra_chosen.lexicon)
        correction = config.algorithm.get("rollout_correction") or {}
        if correction.get("bypass_mode") and "entropies" in credit.needs:
            raise ConfigError(
                f"{credit.name} needs entropies, and algorithm.rollout_correction.bypass_mode leaves out the pass for them",
                "set algorithm.rollout_correction.bypass_mode=False, or choose another hicra.method",
            )
        if credit.loss and self._hicra_chosen.loss:
            from hicra.engines.verl.loss import use  # it imports the actor's config, which no other run needs

            use(config, self._hicra_chosen.loss, credit.loss)
        super().__init__(config)

    @property
    def trainer_mode(self) -> str:
        """The mode that verl decides by."""
        return self.extends

    @trainer_mode.setter
    def trainer_mode(self, name: str) -> None:
        """Is called by verl with the name in the config, which it knows nothing of."""

    # ---- the overrides
    def _init_tokenizer(self) -> None:
        super()._init_tokenizer()
        self.hicra = Credit(self._hicra_chosen, self.tokenizer)
        shaping = self.hicra.shaping
        line = announcement(shaping.credit, shaping.lexicon, f"verl's {self.config.algorithm.adv_estimator}")
        loss = f"loss {chosen.entry.name}" if (chosen := shaping.credit.loss) else "verl's loss"
        print(f"{line}, {loss}, {counted(self.hicra.threads, 'thread')}", flush=True)

    def _compute_advantage(self, batch: Any, metrics: dict[str, Any]) -> Any:
        given = _get(batch, BEFORE)  # before the mask of policy tokens is rewritten by rejection sampling
        batch = super()._compute_advantage(batch, metrics)
        found = _get(batch, AFTER)
        nested = given["response_mask"]
        rows, real = _rows(batch, given, found)
        shaped, planning = self.hicra(rows)
        if not real.all():  # rows that are padding keep what verl gave them
            whole, marked = (
                as_numpy(found["advantages"].to_padded_tensor(0.0)),
                np.zeros((len(real), shaped.shape[1]), np.bool_),
            )
            whole[real], marked[real] = shaped, planning
            shaped, planning = whole, marked
        fields = {"advantages": torch.from_numpy(shaped), "planning_mask": torch.from_numpy(planning)}
        return tq.kv_batch_put(
            keys=batch.keys,
            partition_id=batch.partition_id,
            fields=TensorDict(
                {name: response_to_nested(value, nested) for name, value in fields.items()}, batch_size=len(batch)
            ),
        )

    def step(self, metrics: dict[str, Any], timing_raw: dict[str, Any]) -> Any:
        batch = super().step(metrics, timing_raw)
        metrics.update(self.hicra.logged())
        return batch


@register_trainer("hicra_sync")
class HicraSync(HicraVerlMixin, PPOTrainerSync):  # type: ignore[misc]
    """verl's synchronous trainer."""

    extends = "sync"


@register_trainer("hicra_colocate_async")
class HicraColocateAsync(HicraVerlMixin, PPOTrainerColocateAsync):  # type: ignore[misc]
    """verl's trainer whose rollouts are interrupted and go on, on the same GPUs."""

    extends = "colocate_async"


@register_trainer("hicra_separate_async")
class HicraSeparateAsync(HicraVerlMixin, PPOTrainerSeparateAsync):  # type: ignore[misc]
    """verl's trainer whose rollouts have GPUs of their own."""

    extends = "separate_async"


def _get(batch: Any, fields: Sequence[str]) -> Any:
    return tq.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=list(fields))


def _rows(batch: Any, given: Any, found: Any) -> tuple[VerlRows, Bools]:
    """Makes the rows that are no padding of what the queue held before and after verl's estimator, and says which they are, [B].

    Raises:
        EngineError: a row is not that of its key.
    """
    keys = batch.keys
    real = np.array([not tag.get("is_padding", False) for tag in batch.tags], np.bool_)
    uids = [str(uid) for uid in given.get("uid").tolist()]
    places = [key.rsplit("_", 2) for key in keys]
    if wrong := [key for key, place, uid in zip(keys, places, uids, strict=True) if place[0] != uid]:
        raise EngineError(
            f"verl's queue gave other rows than were asked for: {len(wrong)} of {len(keys)}, the first is {wrong[0]}",
            "this version of verl orders its queue in another way; use verl 0.9.1",
        )
    newest = {(uid, session): int(place) for uid, session, place in sorted(places, key=lambda one: int(one[2]))}
    last = np.array([newest[uid, session] == int(place) for uid, session, place in places])
    lengths = given["responses"].offsets().diff()
    extra = given.get("extra_fields").tolist() if "extra_fields" in given.keys() else [{}] * len(keys)  # noqa: SIM118
    said = [(one.get("reward_extra_info") or {}).get("acc") if isinstance(one, dict) else None for one in extra]
    held, every = found.keys(), bool(real.all())

    def padded(tree: Any, name: str) -> Array:
        values = as_numpy(tree[name].to_padded_tensor(0))
        return values if every else values[real]

    ids, written, live = padded(given, "responses"), padded(given, "response_mask"), padded(found, "response_mask")
    return VerlRows(
        ids=ids, inside=np.arange(ids.shape[1]) < as_numpy(lengths)[real][:, None], written=written != 0, live=live != 0,
        advantages=padded(found, "advantages"), scores=padded(given, "rm_scores").sum(axis=1, dtype=np.float64),
        verdicts=verdicts(said)[real], uids=[uid for uid, one in zip(uids, real, strict=True) if one], last=last[real],
        entropies=padded(found, "entropy") if "entropy" in held else None,
        logprobs=padded(found, "old_log_probs") if "old_log_probs" in held else None,
    ), real  # fmt: skip
