"""What an engine is: a function that trains what was prepared, and leaves a run folder behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hicra.lexicon import Lexicon
from hicra.runs import RunFolder
from hicra.runs.config import RunConfig
from hicra.tasks.base import Task

Say = Callable[[str], None]  # one line for the user
Progress = Callable[[int, dict[str, Any]], None]  # a step, and its metrics


@dataclass(frozen=True)
class Prepared:
    """Everything that a run needs, found and checked before anything is written.

    Attributes:
        config: resolved, with the task's own bounds.
        task: asks and judges.
        model: folder of the start model.
        lexicon: what tags the planning tokens.
        inputs: sha256 of all that runs must share to be compared or resumed, by name.
        engine: trains.
    """

    config: RunConfig
    task: Task
    model: Path
    lexicon: Lexicon
    inputs: dict[str, str]
    engine: Engine


class Engine(Protocol):
    """Trains to the end and writes `final/`, a model folder that transformers loads."""

    def __call__(self, prepared: Prepared, run: RunFolder, resume: Path | None, progress: Progress) -> None:
        """One run.

        Args:
            run: the folder to write into; metrics of every step, rollouts and checkpoints go there.
            resume: a checkpoint of this run that verifies, or None.
            progress: called after every step.

        Raises:
            Interrupted: SIGINT or SIGTERM came; a checkpoint is there.
        """
        ...


class Interrupted(Exception):
    """The run was asked to stop and has saved; holds the signal number and the step."""

    def __init__(self, number: int, step: int) -> None:
        super().__init__(f"signal {number} at step {step}")
        self.number, self.step = number, step
