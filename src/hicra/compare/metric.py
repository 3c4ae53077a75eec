"""Metric names with a checkpoint rule, which turns the curve of a run into one number and is chosen before looking at the curves.

    NAME                       value at the last step; eval/NAME is the final model's evaluation
    at40:NAME                  value at step 40
    last10:NAME                mean over the last 10 steps
    auc:NAME                   area under the learning curve divided by its length (trapezoids), in the metric's own unit
    steps_to:0.5:NAME          first step with a value of at least 0.5; fewer is better
    steps_to:0.5:5:NAME        the same for the mean of the last 5 steps

There is no "best step": choosing it from the curve that is then compared favours the noisier arm.

Deviations:
COMPARE-3. A run that never reaches the threshold counts with its last step (the restricted mean), and a warning names it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hicra.drawing.readable import counted
from hicra.errors import ConfigError, DataError

_FORMS = (
    ("steps_to", re.compile(r"steps_to:([^:]+):(?:(\d{1,9}):)?([^\d].*)")),
    ("auc", re.compile(r"auc:(.+)")),
    ("at", re.compile(r"at(\d{1,9}):(.+)")),
    ("last", re.compile(r"last(\d{1,9}):(.+)")),
)
_KNOWN = "NAME, at40:NAME, last10:NAME, auc:NAME, steps_to:0.5:NAME or steps_to:0.5:5:NAME"


@dataclass(frozen=True)
class CheckpointRule:
    """A parsed `--metric`, which says how a curve becomes one number.

    Attributes:
        kind: the type of rule: "final", "at", "last", "auc" or "steps_to".
        name: the logged metric.
        steps: the step of "at", or the number of steps that "last" and "steps_to" average over.
        threshold: the value that "steps_to" waits for.
    """

    kind: str
    name: str
    steps: int = 1
    threshold: float = 0.0

    @property
    def text(self) -> str:
        """The checkpoint rule in words."""
        if self.kind == "final":
            return "value at the last step"
        if self.kind == "at":
            return f"value at step {self.steps}"
        if self.kind == "last":
            return "value at the last step" if self.steps == 1 else f"mean over the last {self.steps} steps"
        if self.kind == "auc":
            return "area under the curve over all steps, divided by its length"
        smooth = f" in the mean of the last {self.steps} steps" if self.steps > 1 else ""
        return (
            f"first step at {self.threshold:g} or more{smooth}; a run that never reaches it counts with its last step"
        )

    def of(self, curve: Sequence[float | None], run: str, steps: Sequence[int] | None = None) -> tuple[float, bool]:
        """Returns the number of one run, and whether it is censored (the threshold was never reached).

        Args:
            curve: one value per step.
            run: the name of the run for error messages.
            steps: the step of each value, ascending; None counts them from 1.

        Raises:
            DataError: a step that the rule needs does not exist or has no value.
        """
        n = len(curve)
        known = list(range(1, n + 1)) if steps is None else list(steps)
        most = self.steps if self.kind in ("last", "steps_to") else 1
        if n < most or (self.kind == "at" and self.steps not in known):
            raise self._lacks(run, known, most)
        first = (
            known.index(self.steps) if self.kind == "at" else {"last": n - self.steps, "final": n - 1}.get(self.kind, 0)
        )
        used = curve[first:n] if self.kind != "at" else curve[first : first + 1]
        values = np.array([np.nan if value is None else value for value in used], np.float64)
        if np.isnan(values).any():
            step = known[first + int(np.flatnonzero(np.isnan(values))[0])]
            raise DataError(
                f"{run} has no value of {self.name} at step {step}",
                "choose another metric, or atN: with a step N that has a value",
            )
        if self.kind == "auc":
            length = known[-1] - known[0]
            return float(np.trapezoid(values, known) / length) if length else float(values[0]), False
        if self.kind != "steps_to":
            return float(values.mean()), False
        smooth = np.convolve(values, np.full(self.steps, 1 / self.steps), "valid")
        reached = np.flatnonzero(smooth >= self.threshold - 1e-12)
        return (float(known[reached[0] + self.steps - 1]), False) if reached.size else (float(known[-1]), True)

    def _lacks(self, run: str, known: Sequence[int], most: int) -> DataError:
        n, asked = len(known), self.steps if self.kind == "at" else most
        if known and self.kind == "at" and asked < known[-1]:  # the steps of diagnosed data may have gaps
            near = min(known, key=lambda step: abs(step - asked))
            return DataError(f"{run} has no step {asked}", f"the nearest is step {near}: --metric at{near}:{self.name}")
        return DataError(
            f"{run} has {counted(n, 'step')}, {self.kind} needs step {asked}",
            "finish the run, or ask for fewer steps",
        )


def parse_metric(text: str) -> CheckpointRule:
    """Reads a `--metric`.

    Raises:
        ConfigError: the rule is incomplete, or a step or threshold is out of range.
    """
    for kind, form in _FORMS:
        if found := form.fullmatch(text):
            if kind == "auc":
                return CheckpointRule(kind, found[1])
            if kind == "steps_to":
                return CheckpointRule(kind, found[3], _count(found[2] or "1", text), _threshold(found[1], text))
            return CheckpointRule(kind, found[2], _count(found[1], text))
    if not text.strip() or re.match(r"(steps_to|auc|at\d*|last\d*|best)(:|$)", text):
        raise ConfigError(f"metric {text!r} is not readable", f"write {_KNOWN}")
    return CheckpointRule("final", text)


def _count(digits: str, text: str) -> int:
    if int(digits) < 1:
        raise ConfigError(f"metric {text!r}: steps are counted from 1", f"write {_KNOWN}")
    return int(digits)


def _threshold(given: str, text: str) -> float:
    try:
        threshold = float(given)
    except ValueError:
        threshold = float("nan")
    if not np.isfinite(threshold):
        raise ConfigError(f"metric {text!r}: {given!r} is no threshold", f"write {_KNOWN}")
    return threshold
