"""Diagnoses a run of any GRPOTrainer of TRL while it trains, and changes nothing of what it trains.

    trainer = GRPOTrainer(model=..., reward_funcs=..., args=..., train_dataset=...)
    trainer.add_callback(HicraObserver(trainer, "runs/plain"))
    trainer.train()

A callback of transformers is told when a step begins and ends, and never sees a batch. So the observer takes the trainer, as the
callbacks of TRL itself do. While the trainer trains, its class is one that is made from its own class with the overrides of
`reading.py` before it; at the end of the training it is its own class again. These overrides return what TRL returned. They add
two tensors to the batch of a generation, which no loss of TRL looks at, and draw no random number. So the weights are bit for bit
those of the run without it.

Deviations:
TRAIN-7. An observed run has the method `none`, whatever the trainer itself does to advantages: `hicra/advantage_mean_before` and
    `_after` are both of what the trainer trains on. A reward that is infinite counts as one that is missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from hicra.credit import assign
from hicra.credit.presets import PLAIN
from hicra.engines.trl.config import refuse_steps_without_log
from hicra.engines.trl.guard import first_micro_step
from hicra.engines.trl.probe import refuse_trainer
from hicra.engines.trl.reading import HicraReading
from hicra.engines.trl.writer import OwnRun
from hicra.errors import EngineError


class HicraObserver(TrainerCallback):  # type: ignore[misc]
    """Adds the metrics of hicra to what a trainer logs, and writes a run folder where one is named.

    Args:
        trainer: a GRPOTrainer of TRL, or of a class made from it, before it trains.
        run_dir: a new folder that gets what `hicra train` writes (metrics, tagged rollouts, config); None writes none. It has one
            line of metrics for each step, so it needs logging_steps=1.
        lexicon: built-in name, lexicon folder, or text file of phrases.
        unit: the span type, "gram" or "sentence"; None takes what the lexicon is made for.
        signal_every: each so-many-th optimiser step measures the signal of the gradient by token kind; 0 measures none.

    Raises:
        ConfigError: the lexicon or the span type is refused, or run_dir is given and not every step is logged.
        EngineError: the trainer is none of these, reads its rollouts already, or is compiled by Unsloth.
    """

    def __init__(
        self,
        trainer: Any,
        run_dir: Path | str | None = None,
        *,
        lexicon: str = "paper",
        unit: str | None = None,
        signal_every: int = 0,
    ) -> None:
        if isinstance(trainer, HicraReading) or hasattr(trainer, "hicra_shaping"):
            raise EngineError(
                f"{type(trainer).__name__} is read by hicra already",
                "leave out HicraObserver: a trainer with HicraMixin logs the same, and writes a run folder with run_dir=...",
            )
        refuse_trainer(type(trainer))
        if run_dir is not None:
            refuse_steps_without_log(trainer.args)
        self.trainer, self.own_class = trainer, type(trainer)
        self.read_class = type(f"Observed{self.own_class.__name__}", (HicraReading, self.own_class), {})
        HicraReading.hicra_begin(trainer, assign({"name": PLAIN["method.name"]}), lexicon, unit, signal_every)
        self.writer = None if run_dir is None else OwnRun(run_dir, trainer)

    # ---- the events of transformers' trainer
    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.trainer.__class__ = self.read_class
        self.trainer.hicra_first_micro_step = first_micro_step(self.trainer, args, state)
        if self.writer:
            self.writer.on_train_begin(args, state, control)

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.trainer.hicra_meter.on_step_begin(args, state, control)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.trainer.hicra_meter.on_step_end(args, state, control)
        if self.writer:
            self.writer.on_step_end(args, state, control)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if self.writer:
            self.writer.on_log(args, state, control, logs)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.trainer.__class__ = self.own_class
        if self.writer:
            self.writer.on_train_end(args, state, control)
