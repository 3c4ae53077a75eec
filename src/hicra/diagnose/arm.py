"""What is measured of an arm, step by step, and where it is left."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hicra.diagnose.measure import StepMetrics
from hicra.diagnose.shelf import Shelf
from hicra.diagnose.write import ArmFolder, PromptTable, Steps, with_step
from hicra.findings import Evidence, Finding, Looked
from hicra.findings.finding import save_judgement
from hicra.findings.saved import Rollouts
from hicra.findings.saved_findings import save_findings


class MeasuredArm:
    """What is measured of an arm: its rollouts and prompts are left in its folder, or on a shelf where none is written."""

    def __init__(
        self, name: str, place: Path | None, config: Mapping[str, Any], inputs: Mapping[str, str], stack: contextlib.ExitStack
    ) -> None:  # fmt: skip
        self.name, self.place = name, place
        self.steps: Steps = {}
        self.prompts = PromptTable(stack.enter_context(Shelf()))
        self._folder = None if place is None else ArmFolder(place, name, config, inputs)
        self._shelf = stack.enter_context(Shelf())

    def add(self, step: int, one: StepMetrics) -> None:
        """Takes a step, and leaves its rollouts and prompts on disk."""
        self.prompts.add(step, one)
        if self._folder is None:
            self._shelf.add(with_step(step, one))
        else:
            self._folder.add(step, one)
        self.steps[step] = one.without_tables()

    def finish(self, judged: Finding | None) -> None:
        """Completes the run folder."""
        if self._folder is not None:
            self._folder.finish(self.steps, self.prompts)
            if judged is not None:
                save_judgement(self._folder.place, judged)

    def keep(self, looked: Looked) -> None:
        """Writes the findings into the run folder."""
        if self._folder is not None:
            save_findings(self._folder.place, looked)

    def evidence(self, config: Mapping[str, Any], judged: Finding | None, signal: Mapping[str, Any] | None) -> Evidence:
        """Returns what findings are made from."""
        parts = self._shelf.parts if self._folder is None else self._folder.run.rollout_files()
        metrics = [{"step": step, **one.values} for step, one in self.steps.items()]
        intervals = {step: one.intervals for step, one in self.steps.items()}
        return Evidence(metrics, Rollouts(parts), config, judged, intervals, signal)
