"""Plain steps and steps of HICRA in turns, by one trainer in TRL's own loop (`gpu_step.py`)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from transformers import TrainerCallback
from trl import GRPOTrainer

from hicra.engines.trl import HicraGRPOTrainer
from trl_parts import OVERRIDES, callbacks, events

KINDS = ("plain", "hicra")
WARM_UP, ROUND = KINDS, ("plain", "hicra", "hicra", "plain")


class Step(NamedTuple):
    """A step: of which kind, its seconds, those of hicra's tagging and of all that it does to a generation, peak bytes."""

    kind: str
    seconds: float
    tagging: float = 0.0
    shaping: float = 0.0
    peak: int = 0


class Switched(HicraGRPOTrainer):
    """A trainer whose steps are HICRA's while `kind` is "hicra", and plain TRL's else."""

    kind = "plain"


def _by_kind(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(HicraGRPOTrainer if self.kind == "hicra" else GRPOTrainer, name)(self, *args, **kwargs)

    return method


for _name in OVERRIDES:
    setattr(Switched, _name, _by_kind(_name))


class Turns(TrainerCallback):
    """Switches a trainer before each step and takes its time; ends the training after a round if the next one would not fit.

    Args:
        trainer: the trainer; its parts are timed from now on, and hicra's callbacks do nothing in a plain step.
        left: gives the seconds that are left.

    Attributes:
        steps: the steps after the warm-up.
    """

    def __init__(self, trainer: Any, left: Callable[[], float]) -> None:
        self.trainer, self.left = trainer, left
        self.steps: list[Step] = []
        self._parts = {"tagging": 0.0, "shaping": 0.0}
        shaping = trainer.hicra_shaping
        shaping.tagger.tag = timed(shaping.tagger.tag, self._parts, "tagging")
        shaping.generation = timed(shaping.generation, self._parts, "shaping")
        for callback in callbacks(trainer):
            for event in events(callback):
                setattr(callback, event, _while_hicra(trainer, getattr(callback, event)))

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        done = state.global_step - len(WARM_UP)
        self.trainer.kind = WARM_UP[done] if done < 0 else ROUND[done % len(ROUND)]
        self._parts.update(tagging=0.0, shaping=0.0)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        self._began = time.perf_counter()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if "loss" not in (logs or {}) or state.global_step <= len(WARM_UP):
            return  # TRL's summary at the end is no step
        peak = 0
        if torch.cuda.is_available():
            torch.cuda.synchronize()
            peak = torch.cuda.max_memory_allocated()
        took = time.perf_counter() - self._began
        self.steps.append(Step(self.trainer.kind, took, **self._parts, peak=peak))
        last = self.steps[-len(ROUND) :]
        if len(self.steps) % len(ROUND) == 0 and sum(step.seconds for step in last) > self.left():
            control.should_training_stop = True

    def result(self) -> dict[str, Any] | None:
        """The figures of the whole rounds; None where there is none."""
        whole = len(self.steps) // len(ROUND) * len(ROUND)
        if not whole:
            return None
        args, history = self.trainer.args, self.trainer.state.log_history
        shares = [entry["hicra/planning_share"] for entry in history if "hicra/planning_share" in entry]
        return {
            "parameters": sum(weight.numel() for weight in self.trainer.model.parameters()),
            "micro_batch": args.per_device_train_batch_size, "precision": "bf16" if args.bf16 else "fp32",
            "planning_share": round(statistics.mean(shares), 4), **figures(self.steps[:whole]),
        }  # fmt: skip


def figures(steps: list[Step]) -> dict[str, Any]:
    """Seconds of each step, overhead of HICRA over all rounds and in each, shares of its parts in its steps, peak bytes.

    Args:
        steps: whole rounds.
    """
    of = {kind: [step for step in steps if step.kind == kind] for kind in KINDS}
    total = sum(step.seconds for step in of["hicra"])
    rounds = [steps[start : start + len(ROUND)] for start in range(0, len(steps), len(ROUND))]
    peaks = {kind: max(step.peak for step in those) for kind, those in of.items()}
    return {
        "seconds": {kind: [round(step.seconds, 4) for step in those] for kind, those in of.items()},
        "overhead": overhead(steps), "overhead_of_rounds": [overhead(one) for one in rounds],
        "tagging_share": round(sum(step.tagging for step in of["hicra"]) / total, 6),
        "shaping_share": round(sum(step.shaping for step in of["hicra"]) / total, 6),
        "peak_bytes": peaks if any(peaks.values()) else None,
    }  # fmt: skip


def overhead(steps: list[Step]) -> float:
    """Seconds of HICRA's steps over those of plain ones, less 1."""
    plain, hicra = (sum(step.seconds for step in steps if step.kind == kind) for kind in KINDS)
    return round(hicra / plain - 1, 5)


def timed(function: Any, parts: dict[str, float], name: str) -> Any:
    """The function, which adds its wall time to a part."""

    def call(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        found = function(*args, **kwargs)
        parts[name] += time.perf_counter() - began
        return found

    return call


def _while_hicra(trainer: Any, listen: Any) -> Any:
    """An event of a callback, which does nothing in a plain step."""
    return lambda *args, **kwargs: listen(*args, **kwargs) if trainer.kind == "hicra" else None
