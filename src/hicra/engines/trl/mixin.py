"""HICRA inside TRL's GRPOTrainer: a mixin of overrides that call super(), with no copied code (TRL versions: `versions.py`).

    from hicra.engines.trl import HicraGRPOConfig, HicraGRPOTrainer

It reads what the trainer samples and computes as `reading.py` says, and adds what shapes and trains:

- The advantages of a generation are computed where a baseline is named, and shaped to [B,T], once per generation. The batch
  carries them through TRL's shuffle and split, so inner epochs (`num_iterations`) never shape again.
- `_get_per_token_logps_and_entropies` keeps the gradient of the entropies for a chosen loss that takes them, and
  `_compute_loss` puts that loss in the place of TRL's (`losses.py`), and checks that the advantages trained on are those of
  this batch's mask.
- `_get_grad_norm` hands the norm to the guard, which refuses steps that are not finite (`guard.py`).
- `_save_checkpoint` and `_load_optimizer_and_scheduler` keep the memory of the meter, which measures generations (`meter.py`).
- `save_model` and `create_model_card` say beside the weights what they were trained with (`beside.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from trl import GRPOTrainer

from hicra.arrays import Array
from hicra.engines.order import refuse_order
from hicra.engines.shaping import Generation
from hicra.engines.trl.beside import add_to_card, write_beside
from hicra.engines.trl.config import HicraGRPOConfig, assignment_of, warn_of_save_steps
from hicra.engines.trl.guard import Guard
from hicra.engines.trl.losses import entropies_with_gradient, loss_of
from hicra.engines.trl.probe import probe, refuse_trainer
from hicra.engines.trl.reading import HicraReading
from hicra.engines.trl.writer import OwnRun
from hicra.errors import EngineError


class HicraMixin(HicraReading):
    """Adds HICRA to a GRPOTrainer class that stands after it: `class Mine(HicraMixin, GRPOTrainer)`.

    Attributes:
        hicra_guard: refuses steps that are not finite, and counts them.

    Raises:
        ConfigError: a field of hicra has a value that is refused.
        EngineError: the trainer class stands before HicraMixin (said as the class is made), the trainer's loss does not take
            advantages [B,T], the signal is to be measured and cannot be, or the processes of a training were given different
            things.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_order(cls, HicraMixin, GRPOTrainer)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse_trainer(type(self))
        super().__init__(*args, **kwargs)
        chosen = {
            name: getattr(self.args, name, getattr(HicraGRPOConfig, name))
            for name in ("lexicon", "unit", "signal_every")
        }
        self.hicra_begin(assignment_of(self.args), **chosen)
        if getattr(self.args, "use_liger_kernel", False) and hasattr(self, "compute_liger_loss"):
            raise EngineError(
                "the Liger loss of this TRL takes advantages [B] and passes over the one that takes [B,T]",
                "set use_liger_kernel=False, or install TRL 1.14 or later, where Liger is only a kernel",
            )
        probe(self, super(HicraReading, self)._compute_loss)
        warn_of_save_steps(self.args)
        self.hicra_guard = Guard(self)
        if run_dir := getattr(self.args, "run_dir", None):
            self.add_callback(OwnRun(run_dir, self))
        self.add_callback(self.hicra_guard)
        self.add_callback(self.hicra_meter)

    # ---- what the reading overrides ask for
    def _hicra_given(self, given: Array) -> Array:
        if np.isinf(given).any():
            row, column = np.argwhere(np.isinf(given))[0]
            raise EngineError(
                f"reward function {self.reward_func_names[column]!r} gave {given[row, column]} for rollout {row}",
                "return a finite number, or None where a rollout cannot be scored",
            )
        return given

    def _hicra_fields(self, made: Generation) -> dict[str, Array]:
        shaped, before = (made.arrays[name] for name in ("advantages", "base"))
        return super()._hicra_fields(made) | {"advantages": shaped, "hicra_base": before}

    def _hicra_loss(
        self, loss_of_trl: Callable[[Any, dict[str, Any]], Any], model: Any, inputs: dict[str, Any], live: Any
    ) -> tuple[Any, Any]:
        loss, stopped = loss_of(self, loss_of_trl, model, inputs, live)
        self.hicra_shaping.check(inputs["advantages"], inputs["hicra_base"], inputs["planning_mask"], live)
        return loss, stopped

    def _hicra_values(self, mode: str) -> dict[str, float | None]:
        generations, losses = self._hicra_window.get(mode, ((), ()))
        if generations and not losses:
            raise EngineError(
                f"the loss of {type(self).__name__} never calls that of HicraMixin, so what it trains on is neither checked nor "
                "counted",
                "call super()._compute_loss(model, inputs) in it, or name a loss of your own by policy_loss "
                "(docs/how-to/own-method.md)",
            )
        values = super()._hicra_values(mode)
        if mode == "train":
            values |= self.hicra_guard.logged() | (self.hicra_resampler.logged() if self.hicra_resampler else {})
        return values

    # ---- further overrides
    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        with entropies_with_gradient(self):
            return super()._get_per_token_logps_and_entropies(*args, **kwargs)

    def _get_grad_norm(self, *args: Any, **kwargs: Any) -> Any:
        self.hicra_guard.norm = super()._get_grad_norm(*args, **kwargs)
        return self.hicra_guard.norm

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        super().log(logs, *args, **kwargs)
        loss = getattr(self, "_tr_loss", None)  # there is none before training, where an evaluation may log too
        if loss is not None and not torch.isfinite(loss):
            loss.zero_()  # the Trainer subtracts it from itself, and would log NaN for ever
        self.hicra_guard.stop_if_hopeless()

    def save_model(self, output_dir: str | None = None, *args: Any, **kwargs: Any) -> None:
        super().save_model(output_dir, *args, **kwargs)
        if self.args.should_save:
            write_beside(Path(output_dir or self.args.output_dir), self)

    def _save_checkpoint(self, model: Any, trial: Any, *args: Any, **kwargs: Any) -> None:
        super()._save_checkpoint(model, trial, *args, **kwargs)
        step = self.state.global_step
        self.hicra_meter.save(Path(self._get_output_dir(trial=trial)) / f"{PREFIX_CHECKPOINT_DIR}-{step}")

    def _load_optimizer_and_scheduler(self, checkpoint: str | None, *args: Any, **kwargs: Any) -> None:
        super()._load_optimizer_and_scheduler(checkpoint, *args, **kwargs)
        self.hicra_meter.load(checkpoint)

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        super().create_model_card(*args, **kwargs)
        if self.is_world_process_zero():
            add_to_card(Path(self.args.output_dir) / "README.md", self)


class HicraGRPOTrainer(HicraMixin, GRPOTrainer):  # type: ignore[misc]
    """TRL's GRPOTrainer with hierarchy-aware credit; it takes the same arguments, with a `HicraGRPOConfig` as `args`."""

    def __init__(self, model: Any, reward_funcs: Any = None, args: Any = None, *rest: Any, **kwargs: Any) -> None:
        if args is None:
            name = model if isinstance(model, str) else str(getattr(model.config, "_name_or_path", "") or "model")
            args = HicraGRPOConfig(f"{name.split('/')[-1]}-HICRA")
        super().__init__(model, reward_funcs, args, *rest, **kwargs)
