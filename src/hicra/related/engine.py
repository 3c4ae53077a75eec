"""The engine of related systems: agents and trees that play in an environment, trained step by step in one process.

A system makes rows, a baseline and shapers of `hicra.credit` turn them into advantages, a loss into an update. This engine knows
none of them by name.

Deviations:
RELATED-6. A training step is one round of a system, which may hold several generations (HiMAC has two), each with its updates. So
    a step may have more than one optimiser step, and one line of metrics is of all of them.
"""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import polars as pl
import torch

from hicra.engines.interface import IN_A_ROW, Interrupted, Prepared, Progress
from hicra.engines.ranks import ranks
from hicra.engines.signals import StopRequest
from hicra.errors import ConfigError, EngineError
from hicra.generation.sampling import load
from hicra.metrics import with_nulls
from hicra.related import state
from hicra.related.policy.sample import NetworkPolicy
from hicra.related.policy.words import TokenizerCodec
from hicra.related.record import TrainedPart, metrics_of, rollouts_of
from hicra.related.shape import RowShaping
from hicra.related.system import Arena, Generated, seed_of
from hicra.related.systems import open_system
from hicra.related.task import EnvironmentTask
from hicra.related.update import Updater
from hicra.runs import RunFolder


def train(prepared: Prepared, run: RunFolder, resume: Path | None, progress: Progress) -> None:
    """Trains one run, as `hicra.engines.interface.Engine` says."""
    if ranks() > 1:
        raise ConfigError(
            "the engine related trains in one process, and several were started", "start `hicra train` alone"
        )
    training = Training(prepared, run, resume, progress)
    stop = StopRequest()
    with stop:
        while training.step < prepared.config.train.steps:
            training.take()
            training.keep(bool(stop.number))
            if stop.number:
                raise Interrupted(stop.number, training.step)
    state.write_final(run, training.model, training.tokenizer)


class Training:
    """One run between its first and its last step.

    Args:
        prepared, run, resume, progress: as of `Engine`.

    Attributes:
        step: number of the last step that was taken.
    """

    def __init__(self, prepared: Prepared, run: RunFolder, resume: Path | None, progress: Progress) -> None:
        assert isinstance(prepared.task, EnvironmentTask)
        self.config, self.run, self.progress, self.task = prepared.config, run, progress, prepared.task
        train = self.config.train
        self.model, self.tokenizer = load(resume or prepared.model, train.threads)
        if torch.cuda.is_available():
            self.model.to("cuda")
        self.model.eval()
        self.codec = TokenizerCodec(self.tokenizer)
        self.policy = NetworkPolicy(self.model, self.codec, temperature=train.temperature, seed=train.seed)
        self.place = Arena(prepared.task.environment, self.codec, self.policy, train.max_new_tokens)
        self.system, _ = open_system(self.config.system.name, self.config.system.settings, train.group_size)
        self.shape = RowShaping(self.config, prepared.lexicon, self.codec, self.system)
        credit = self.config.assignment()
        assert credit.loss is not None
        reference = load(prepared.model, train.threads)[0].to(self.model.device).eval() if train.kl else None
        self.updater = Updater(self.model, credit.loss, train, reference)
        self.step = self.refused = 0
        if resume:
            counts = state.restore(
                resume, model=self.model, optimizer=self.updater.optimizer, chance=self.policy.chance
            )
            self.step, self.shape.rollouts, self.refused = counts["step"], counts["rollouts"], counts["refused"]
        self.seeds = prepared.task.seeds("train", train.steps * train.prompts_per_step, train.seed)

    def take(self) -> None:
        """Takes the next step: plays, updates, and writes what came of it.

        Raises:
            EngineError: too many steps in a row were refused, or the system made nothing.
        """
        began, step, prompts = time.monotonic(), self.step + 1, self.config.train.prompts_per_step
        self.policy.forget()  # a resumed run has nothing to remember, and must draw the same
        torch.manual_seed(seed_of(self.config.train.seed, step))  # of dropout
        seeds = self.seeds[self.step * prompts : step * prompts]
        parts = [self._trained(made, step) for made in self.system.generations(self.place, seeds, step)]
        if not parts:
            raise EngineError(
                f"the system {self.config.system.name} made no rows at step {step}",
                "look at its settings (system.settings)",
            )
        self.step = step
        values = metrics_of(parts, str(self.config.system.name))
        values |= {"learning_rate": self.updater.rate(step), "step_time": time.monotonic() - began}
        self.run.log(step, with_nulls(values, self.config.train.group_size))
        self._write(step, parts)
        self.progress(step, {name: value for name, value in values.items() if value is not None})
        why = next((part.refused for part in parts if part.refused), "")
        self.refused = self.refused + 1 if why else 0
        if self.refused >= IN_A_ROW:
            raise EngineError(
                f"{self.refused} steps in a row were refused, the last at step {step}: {why}",
                "lower train.learning_rate, and look at the rewards and at the rollouts that were kept; the weights that were "
                "good are in the newest checkpoint",
            )

    def keep(self, now: bool) -> None:
        """Saves a checkpoint where one is due, or `now`."""
        train = self.config.train
        if now or self.step % train.save_steps == 0 or self.step == train.steps:
            state.save(
                self.run, self.step, train.keep_checkpoints, model=self.model, tokenizer=self.tokenizer,
                optimizer=self.updater.optimizer, chance=self.policy.chance,
                counts={"rollouts": self.shape.rollouts, "refused": self.refused},
            )  # fmt: skip

    def _trained(self, made: Generated, step: int) -> TrainedPart:
        """Shapes one generation and updates the policy on it."""
        shaped = self.shape(made)
        return TrainedPart(made, shaped, self.updater.updates(made.rows, shaped.arrays, step))

    def _write(self, step: int, parts: list[TrainedPart]) -> None:
        """Writes the rollouts of the first step, the last one and every so many; those of a refused update always."""
        every = self.config.log.rollouts_every
        if every and (step in (1, self.config.train.steps) or step % every == 0):
            self.run.write_rollouts(step, rollouts_of(step, parts, self.shape.tagger, self.codec))
        refused = {number: part.refused for number, part in enumerate(parts) if part.refused}
        if refused:
            table = rollouts_of(step, parts, self.shape.tagger, self.codec)
            why = pl.col("generation").replace_strict(refused, default=None, return_dtype=pl.String)
            table = table.with_columns(refused=why).filter(pl.col("refused").is_not_null())
            path = self.run.write_rollouts(step, table, 0, "refused")
            warnings.warn(
                f"an update of step {step} is not applied: {next(iter(refused.values()))}; its rollouts are in {path}",
                stacklevel=2,
            )
