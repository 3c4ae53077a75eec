"""Watches each optimiser step of a trainer: a step with a loss, gradient or weight that is not finite is not taken.

A gradient is dropped before the optimiser sees it. Weights can only be looked at after a step. Adam moves a weight by a few times
the learning rate at most, so below a rate of 1 no finite weight overflows; from there on a copy is kept, and put back.

Deviations (neither the paper nor TRL says what to do then):
TRAIN-3. A step whose loss, gradient or weights are not finite is not applied: weights and optimizer stay as they were, and the
    learning rate goes on by its schedule. Three such steps in a row end the run.
TRAIN-4. A step in which every advantage is 0 is applied, as in TRL, where Adam's momentum still moves the weights; in
    `hicra train`, `train.skip_without_gradient` leaves such steps out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from transformers import TrainerCallback

from hicra.credit.own import is_own
from hicra.engines.interface import IN_A_ROW, RISKY_RATE
from hicra.errors import EngineError


class Guard(TrainerCallback):  # type: ignore[misc]
    """Refuses optimiser steps, counts them, and ends a run that has no other steps any more.

    Attributes:
        skip: whether steps are left out in which no group gives a gradient.
        refused, without_gradient, taken: numbers of steps since they were last logged: refused ones, those without a gradient,
            and all.
        in_a_row: number of refused steps up to now without another between them.
        norm: norm of the gradient of the step, as the trainer has measured it; None where it has not.
        keep: is called with the step and the reason when one is refused.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer
        self.skip = False
        self.refused = self.without_gradient = self.taken = 0
        self.in_a_row = 0
        self.norm: Any = None
        self.keep: Callable[[int, str], None] = _warn
        self._moving = self._broken = 0.0
        self._why = ""
        self._before: list[Any] | None = None
        self._ruined = False

    def saw(self, moving: float, broken: float) -> None:
        """Takes in a micro-batch of the step: tokens with an advantage other than 0, and losses that are not finite."""
        self._moving += moving
        self._broken += broken

    def logged(self) -> dict[str, float]:
        """Returns the counts since this was last called, by the names of the metrics table; nothing where no step was taken."""
        if not self.taken:
            return {}
        found = {"hicra/steps_refused": self.refused, "hicra/steps_without_gradient": self.without_gradient}
        self.refused = self.without_gradient = self.taken = 0
        return {name: float(count) for name, count in found.items()}

    def stop_if_hopeless(self) -> None:
        """Raises EngineError after too many refused steps in a row, or where weights are lost."""
        if self._ruined or self.in_a_row >= IN_A_ROW:
            times = f"{self.in_a_row} optimiser steps in a row were" if self.in_a_row > 1 else "an optimiser step was"
            own = self._own_loss
            look = f"look at what {own} divides by, or takes a root or a logarithm of; or " if own else ""
            raise EngineError(
                f"{times} refused, the last at step {self.trainer.state.global_step}: {self._why}",
                f"{look}lower the learning rate, and look at the rewards and at the rollouts that were kept; the weights that "
                "were good are in the newest checkpoint",
            )

    # ---- the events of transformers' trainer, in their order
    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.trainer.hicra_first_micro_step = first_micro_step(self.trainer, args, state)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._why = self._not_finite()
        still = not self._moving
        self._moving = self._broken = 0.0
        self.norm, self._before = None, None
        if self._why or (still and self.skip):
            for weight in self._weights():
                weight.grad = None  # the optimiser passes over such a weight
        elif any(float(group["lr"]) >= RISKY_RATE for group in self._optimizer.param_groups):
            self._before = [(weight, weight.detach().clone(), self._state_of(weight)) for weight in self._weights()]
        self.without_gradient += still and not self._why

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._why or self._sharded or _finite(self._weights()):
            return
        self._why = "a weight is not finite"
        self._ruined = self._before is None
        for weight, value, its_state in self._before or ():
            weight.data.copy_(value)
            self._optimizer.state[weight] = its_state
        self._before = None

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.taken += 1
        self.in_a_row = self.in_a_row + 1 if self._why else 0
        if self._why:
            self.refused += 1
            self.keep(state.global_step, self._why)
        if self._ruined or self.in_a_row >= IN_A_ROW:
            control.should_log, control.should_save, control.should_evaluate = True, False, False

    # ---- what they call
    @property
    def _optimizer(self) -> Any:
        return getattr(self.trainer.optimizer, "optimizer", self.trainer.optimizer)  # accelerate wraps it

    @property
    def _own_loss(self) -> str:
        """The name of the loss where it is a researcher's own, else ""."""
        chosen = self.trainer.hicra_shaping.credit.loss
        return chosen.entry.name if chosen is not None and is_own(chosen.entry) else ""

    @property
    def _sharded(self) -> bool:
        """Whether this process holds parts of weights only, or the optimiser is not torch's."""
        return bool(self.trainer.is_fsdp_enabled or self.trainer.is_deepspeed_enabled)

    def _weights(self) -> list[Any]:
        return [weight for group in self._optimizer.param_groups for weight in group["params"] if weight.requires_grad]

    def _state_of(self, weight: Any) -> dict[str, Any]:
        state = self._optimizer.state.get(weight, {})
        return {name: value.clone() if torch.is_tensor(value) else value for name, value in state.items()}

    def _not_finite(self) -> str:
        """Says what of the step is not finite, "" if all is; with fp16 it is torch's gradient scaler that sees to it."""
        if getattr(self.trainer.accelerator, "scaler", None) is not None:
            return ""
        if self._broken:
            return f"the loss{f' {self._own_loss!r}' if self._own_loss else ''} is not finite"
        norm = self.norm if self.norm is None or torch.is_tensor(self.norm) else torch.tensor(float(self.norm))
        return "" if norm is None or bool(torch.isfinite(norm)) else "the gradient is not finite"


def first_micro_step(trainer: Any, args: Any, state: Any) -> int:
    """Counts the micro-steps that a run had before this process trains, over all of its resumes."""
    done: int = state.global_step * args.gradient_accumulation_steps - trainer._step
    return done


def _finite(weights: list[Any]) -> bool:
    """Says whether all weights are finite, by their sums: what is not finite stays so in a sum, whatever is added to it.

    On a CPU a sum takes a seventeenth of the time of the largest absolute value. Finite weights whose sum is beyond float32
    (3e38) count as ruined too.
    """
    sums = [weight.detach().sum(dtype=torch.float32) for weight in weights]
    return not sums or bool(torch.isfinite(torch.stack([one.to(sums[0].device) for one in sums])).all())


def _warn(step: int, why: str) -> None:
    warnings.warn(f"step {step} is not applied: {why}", stacklevel=2)
