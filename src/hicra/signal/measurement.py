"""Measures the batches of one model, one after another: samples, takes gradients, and keeps both."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hicra.drawing.readable import duration
from hicra.errors import ConfigError, DataError, EngineError
from hicra.lexicon import Lexicon
from hicra.signal.components import components
from hicra.signal.methods import read_baseline, read_methods
from hicra.signal.parts import MeasuredBatch
from hicra.signal.products import EXECUTION, PLANNING
from hicra.signal.room import check_room, free_bytes
from hicra.signal.settings import SignalSettings
from hicra.signal.store import SignalStore
from hicra.tagging import Tagger
from hicra.tasks.base import Task

Say = Callable[[str], None]
Progress = Callable[[int, int, str], None]


@dataclass
class BatchMeasurer:
    """Measures the batches of one model."""

    model: Any
    tokenizer: Any
    task: Task
    tagger: Tagger
    settings: SignalSettings
    parameters: list[Any]

    def __post_init__(self) -> None:
        self.methods = read_methods(self.settings.methods)
        self.baseline = read_baseline(self.settings.baseline)
        self.size = sum(one.numel() for one in self.parameters)
        if self.settings.project >= self.size:
            raise ConfigError(
                f"project is {self.settings.project}, and a whole gradient has {self.size} numbers",
                "keep whole gradients with --project 0, or give a smaller number",
            )
        self.numbers = self.settings.project or self.size
        self.free = free_bytes()
        self._check_room(2)  # planning and execution are the fewest

    def parts(self, store: SignalStore | None, progress: Progress) -> list[MeasuredBatch]:
        """Returns all batches, those of earlier starts from the store."""
        import torch

        total, fresh, began = self.settings.batches, 0, time.monotonic()
        found: list[MeasuredBatch] = []
        for number in range(total):
            part = store.read_part(number, self.methods, self.numbers) if store else None
            if part is None:

                def say(text: str, done: int = number, new: int = fresh) -> None:
                    progress(done, total, f"{text}{_left(total - done, new, time.monotonic() - began)}")

                try:
                    part = self._part(number, say)
                except torch.cuda.OutOfMemoryError as error:
                    raise EngineError(
                        f"the memory of the GPU is too small for batch {number}: {str(error).splitlines()[0]}",
                        "take fewer rollouts at once (--micro 4), the last layers alone (--parameters last:2), or --device cpu",
                    ) from None
                fresh += 1
                if store:
                    store.write_part(number, part)
            found.append(part)
        progress(total, total, "")
        return found

    def _part(self, number: int, say: Say) -> MeasuredBatch:
        from hicra.signal.batch import make_batch
        from hicra.signal.gradients import batch_gradients

        began, settings = time.monotonic(), self.settings
        rollouts = settings.prompts * settings.group
        batch = make_batch(
            self.model, self.tokenizer, self.task, self.tagger, settings, self.baseline, self.methods, number,
            lambda done: say(f"sampled {done} of {rollouts}"),
        )  # fmt: skip
        if number == 0:
            _refuse_useless(batch.about, settings, self.tagger.lexicon, self.task)
        split = components(batch.advantages, batch.encoded.live)
        if number == 0:
            self._check_room(len(split.basis))
        say(f"{len(split.basis)} gradients")
        vectors = batch_gradients(
            self.model, batch.encoded, split.basis, parameters=self.parameters, project=settings.project,
            seed=settings.seed, micro=settings.micro, temperature=settings.temperature,
        )  # fmt: skip
        if not np.isfinite(vectors).all():
            raise DataError(
                f"a gradient of batch {number} is not finite", "look for what overflows in the model's forward pass"
            )
        return MeasuredBatch(vectors, split.coefficients, batch.about | {"seconds": time.monotonic() - began})

    def _check_room(self, rows: int) -> None:
        most = 2 + len(self.methods)  # a method has one row of its own at most, beside the two kinds
        check_room(self.settings.batches, rows, self.numbers, bool(self.settings.project), self.free, most)


def _refuse_useless(about: Mapping[str, Any], settings: SignalSettings, lexicon: Lexicon, task: Task) -> None:
    for kind, other in ((PLANNING, EXECUTION), (EXECUTION, PLANNING)):
        if not about["tokens"][kind]:
            raise ConfigError(
                f"none of the {about['all_tokens']} tokens of the first batch is of the kind {kind}: by the lexicon "
                f"{lexicon.name!r} all are {other} tokens",
                "choose another lexicon (--lexicon); `hicra lexicon show LEXICON` lists the grams of one",
            )
    if not about["mixed_groups"]:
        right = f"{about['right']} of {about['judged']} rollouts are right"
        rarely = about["right"] * 2 < about["judged"]
        fix = (
            "easier problems, a stronger model, or larger groups (--group)"
            if rarely
            else "harder problems, or larger groups"
        )
        raise ConfigError(
            f"the first batch has no mixed group among {about['groups']}: {right}, and rewards differ within no group, so there "
            "is no gradient at all",
            f"take {fix}{_more_prompts(settings.prompts, task)}",
        )


def _more_prompts(prompts: int, task: Task) -> str:
    """Proposes larger batches, as far as the task has problems for them."""
    there = len(task.rows("train", 4 * prompts, 0))
    if there > prompts:
        return f"; --prompts {there} looks at more problems"
    return f"; all {there} problems are in use already, so more prompts take a file or a task with more of them"


def _left(batches: int, fresh: int, seconds: float) -> str:
    return f", about {duration(batches * seconds / fresh)} left" if fresh else ""
