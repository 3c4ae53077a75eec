"""Saves the checkpoints of `hicra train` on TRL, and ends the training when it was asked to stop.

Deviations:
TRAIN-5. With `train.iterations` above 1, a checkpoint is saved only after the last step on a generation. A signal waits for that
    step. A run that ends before it keeps the checkpoint of the step before the generation, and a longer run goes on from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hicra.engines.interface import Prepared, Progress
from hicra.engines.signals import StopRequest
from hicra.engines.trl.ranks import largest
from hicra.engines.trl.writer import RunWriter
from hicra.generation.ruined import refuse_ruined
from hicra.runs import RunFolder
from hicra.runs.checkpoints import publish


class Keeper(RunWriter):
    """Saves a checkpoint only where a generation is used up, since TRL saves no generation: so every resume is exact."""

    def __init__(self, prepared: Prepared, run: RunFolder, stop: StopRequest, progress: Progress) -> None:
        super().__init__(prepared.config.log.rollouts_every, prepared.task)
        self.config = prepared.config.train
        self.run, self.stop, self.progress = run, stop, progress

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        super().on_step_end(args, state, control)
        self.stop.number = largest(self.stop.number)  # a signal may have come to one process alone
        uses, step = self.config.iterations, state.global_step
        used_up = step % uses == 0
        last = step == self.config.steps // uses * uses  # transformers would save the last step, wherever it is
        control.should_save = used_up and (control.should_save or last or bool(self.stop.number))
        if used_up and self.stop.number:
            control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().on_log(args, state, control, logs)
        if logs and "loss" in logs and state.is_world_process_zero:
            self.progress(state.global_step, {k: v for k, v in logs.items() if isinstance(v, int | float)})

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.trainer.accelerator.wait_for_everyone()  # each process has put the state of its random numbers there
        if not state.is_world_process_zero:
            return
        step = state.global_step
        refuse_ruined(self.trainer.model, f"after step {step}, so its checkpoint is not published")
        publish(Path(args.output_dir) / f"checkpoint-{step}", self.run, step, self.config.keep_checkpoints)
