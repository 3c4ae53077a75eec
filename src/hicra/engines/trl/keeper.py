"""Saves what a run on TRL produces, step by step: metrics, rollouts and checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from hicra.engines.interface import Prepared, Progress
from hicra.engines.rollouts import rollout_table
from hicra.engines.signals import StopRequest
from hicra.metrics import with_nulls
from hicra.runs import RunFolder
from hicra.runs.checkpoints import publish


class Keeper(TrainerCallback):  # type: ignore[misc]
    """Logs every step, saves rollouts and checkpoints, and ends the training when it was asked to stop.

    Attributes:
        trainer: the trainer; `hicra.engines.trl.run` sets it, since the trainer is made with this callback.
    """

    def __init__(self, prepared: Prepared, run: RunFolder, stop: StopRequest, progress: Progress) -> None:
        self.config, self.task = prepared.config, prepared.task
        self.run, self.stop, self.progress = run, stop, progress
        self.trainer: Any = None

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        every, step = self.config.log.rollouts_every, state.global_step
        if every and (step == 1 or step % every == 0 or step == self.config.train.steps):
            made = self.trainer.last_generation
            end = self.trainer._tokenizer.eos_token_id
            table = rollout_table(step, made, self.trainer.hicra_shaping.tagger, self.task, end)
            self.run.write_rollouts(step, table, part=self.trainer.accelerator.process_index)
        if self.stop.number:
            control.should_save = control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs or not state.is_world_process_zero:
            return  # TRL's summary at the end of training is no step
        values = {key: value for key, value in logs.items() if isinstance(value, int | float)}
        self.run.log(state.global_step, with_nulls(values))
        self.progress(state.global_step, values)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not state.is_world_process_zero:
            return
        made = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        publish(made, self.run, state.global_step, self.config.train.keep_checkpoints)
