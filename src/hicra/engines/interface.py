"""An engine is a function that trains what was prepared and writes a run folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hicra.lexicon import Lexicon
from hicra.runs import RunFolder
from hicra.runs.sections import RunConfig
from hicra.tasks.base import Task

Say = Callable[[str], None]  # one line for the user
Progress = Callable[[int, dict[str, Any]], None]  # a step, and its metrics
PACKAGES = ("torch", "transformers", "trl", "numpy", "polars")  # whose versions a run folder records
IN_A_ROW = 3  # refused steps after which a run ends
RISKY_RATE = 1.0  # below this learning rate Adam makes no finite weight overflow, so no copy is kept


@dataclass(frozen=True)
class Prepared:
    """Everything that a run needs, found and checked before anything is written.

    Attributes:
        config: the resolved config, with the task's own bounds.
        task: asks the problems and judges the responses.
        model: folder of the start model.
        lexicon: marks the planning tokens.
        inputs: sha256, by name, of everything that runs must share to be compared or resumed.
        engine: trains the model.
    """

    config: RunConfig
    task: Task
    model: Path
    lexicon: Lexicon
    inputs: dict[str, str]
    engine: Engine


class Engine(Protocol):
    """Trains to the end and writes `final/`, a model folder that transformers loads.

    Where several processes train, all of them call the engine. Rank 0 alone has opened the run folder and found the checkpoint,
    and the engine takes both from it.
    """

    def __call__(self, prepared: Prepared, run: RunFolder, resume: Path | None, progress: Progress) -> None:
        """Trains one run.

        Args:
            prepared: what the run needs.
            run: the folder to write into; metrics of every step, rollouts and checkpoints go there.
            resume: an undamaged checkpoint of this run, or None; what ranks above 0 are given does not count.
            progress: is called after every step.

        Raises:
            Interrupted: SIGINT or SIGTERM came to one of the processes, and a checkpoint was saved.
        """
        ...


class Interrupted(Exception):
    """The run was asked to stop and has saved a checkpoint; holds the signal number and the step."""

    def __init__(self, number: int, step: int) -> None:
        super().__init__(f"signal {number} at step {step}")
        self.number, self.step = number, step
