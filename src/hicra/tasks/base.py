"""What a verifiable task offers to training, evaluation and the demo. Adding one: a module here and a line in TASKS."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hicra.errors import ConfigError, DataError, did_you_mean

Row = dict[str, Any]


@dataclass(frozen=True)
class Score:
    """Verdict on one response.

    Attributes:
        reward: what the trainer gets; None where the response cannot be scored (never a made-up 0).
        correct: whether the answer is right; None where unknown.
        extracted: the answer as found in the text, None where there is none.
        verdict: the verifier's word for it (correct, wrong, no_answer, timeout, error, bad_gold); None where the task has
            no verifier.
    """

    reward: float | None
    correct: bool | None
    extracted: str | None = None
    verdict: str | None = None


class Task(Protocol):
    """A source of prompts with a checker. Every method is pure and seeded.

    A task may also have `score_all(responses, rows, ended) -> list[Score]`, where many at once are cheaper than one by
    one; callers go through `score_all` of this module.
    """

    name: str

    def rows(self, split: str, n: int | None = None, seed: int = 0) -> list[Row]:
        """Problems of `split` ("train" or "eval", disjoint), in an order fixed by `seed`; at most n.

        A row holds at least `id` (str) and `prompt` (str, or a list of role/content messages); other columns are JSON values
        and reach `score` unchanged.
        """
        ...

    def score(self, response: str, row: Mapping[str, Any], ended: bool) -> Score:
        """Checks one response: its text without special tokens; `ended` tells whether it closed with the end token."""
        ...

    def labels(self, response: str, row: Mapping[str, Any], ended: bool) -> list[str] | None:
        """Exact function of each white-space separated word of the response, or None where the task does not know."""
        ...

    def summary(
        self, responses: Sequence[str], rows: Sequence[Mapping[str, Any]], ended: Sequence[bool]
    ) -> dict[str, float]:
        """Exact figures that only this task knows (plan right, equations right ...); an empty dict where there are none."""
        ...


TASKS = {
    "plan_execute": "hicra.tasks.plan_execute:PlanExecute",
    "arithmetic": "hicra.tasks.arithmetic:Arithmetic",
    "gsm8k": "hicra.tasks.gsm8k:Gsm8k",
    "math": "hicra.tasks.math:MathTask",
    "reasoning_gym": "hicra.tasks.reasoning_gym:ReasoningGym",
}


def make_task(name: str, **settings: Any) -> Task:
    """The task of that name.

    Raises:
        ConfigError: unknown name or setting.
    """
    if name not in TASKS:
        raise ConfigError(f"task.name: no task {name!r}", did_you_mean(name, TASKS))
    module, attribute = TASKS[name].split(":")
    task: Task = getattr(importlib.import_module(module), attribute)(**settings)
    return task


def score_all(
    task: Task, responses: Sequence[str], rows: Sequence[Mapping[str, Any]], ended: Sequence[bool]
) -> list[Score]:
    """The scores of many responses, in order: by the task's own `score_all` where it has one, else one by one."""
    if not len(responses) == len(rows) == len(ended):
        raise DataError(f"{len(responses)} responses, {len(rows)} rows, {len(ended)} ended", "give one of each")
    many = getattr(task, "score_all", None)
    if many is not None:
        found: list[Score] = many(responses, rows, ended)
        return found
    return [task.score(*item) for item in zip(responses, rows, ended, strict=True)]
