"""What a verifiable task offers to training, evaluation and the demo; to add one, write a module here and a line in TASKS."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hicra.errors import ConfigError, DataError, did_you_mean

Row = dict[str, Any]


@dataclass(frozen=True)
class Score:
    """The score of one response.

    Attributes:
        reward: what the trainer gets; None if the response is unscorable (it is never replaced by 0).
        correct: whether the answer is right; None if unknown.
        extracted: the answer as found in the text; None if there is none.
        verdict: the verifier's verdict (correct, wrong, no_answer, timeout, error, bad_gold); None if the task has no verifier.
    """

    reward: float | None
    correct: bool | None
    extracted: str | None = None
    verdict: str | None = None


class Task(Protocol):
    """A source of prompts with a checker of responses; the same arguments give the same results.

    A task may also have `score_all(responses, rows, ended) -> list[Score]`, if scoring many at once is cheaper than one by one;
    callers use `score_all` of this module.

    A task may have `tools`, functions that the policy may call (with annotated arguments and a docstring of Google's form, as
    transformers asks). Its prompts are then messages. A response is the text of all turns of the policy, or the last of them.

    A task that reads files has `files`, the names of the files of each split {split: (name, ...)}.

    A task that is no single response, as an environment is none, has `evaluation(config, model, rows)`, which answers the
    held-out problems in its own way with the model of a folder and returns what evaluation.json keeps, `accuracy` at least.
    """

    name: str

    def rows(self, split: str, n: int | None = None, seed: int = 0) -> list[Row]:
        """Returns at most n problems of `split` ("train" or "eval", which share none), in an order fixed by `seed`.

        A row holds at least `id` (str) and `prompt` (str, or a list of role/content messages). Other columns are JSON values,
        which `score` gets unchanged.
        """
        ...

    def score(self, response: str, row: Mapping[str, Any], ended: bool) -> Score:
        """Scores one response, its text without special tokens; `ended` tells whether it ended with the end token."""
        ...

    def labels(self, response: str, row: Mapping[str, Any], ended: bool) -> list[str] | None:
        """Returns the exact function of each word (split at white space), or None if the task does not know it."""
        ...

    def summary(
        self, responses: Sequence[str], rows: Sequence[Mapping[str, Any]], ended: Sequence[bool]
    ) -> dict[str, float]:
        """Computes exact figures that only this task knows (plan right, equations right ...); the dict may be empty."""
        ...


TASKS = {
    "plan_execute": "hicra.tasks.plan_execute:PlanExecute",
    "arithmetic": "hicra.tasks.arithmetic:Arithmetic",
    "calculator": "hicra.tasks.calculator:Calculator",
    "gsm8k": "hicra.tasks.gsm8k:Gsm8k",
    "math": "hicra.tasks.math:MathTask",
    "reasoning_gym": "hicra.tasks.reasoning_gym:ReasoningGym",
}
GENERATED = (
    "plan_execute",
    "arithmetic",
)  # these make their problems without any setting, so `hicra eval` takes them by name


def make_task(name: str, **settings: Any) -> Task:
    """Makes the task of that name.

    Raises:
        ConfigError: the name or a setting is unknown.
    """
    if name not in TASKS:
        raise ConfigError(f"task.name: no task {name!r}", did_you_mean(name, TASKS))
    module, attribute = TASKS[name].split(":")
    task: Task = getattr(importlib.import_module(module), attribute)(**settings)
    return task


def files_read(task: Task) -> list[str]:
    """Lists the files that a task reads its problems from, which must not be replaced; a name may be one of the hub's."""
    return [name for names in getattr(task, "files", {}).values() for name in names]


def score_all(
    task: Task, responses: Sequence[str], rows: Sequence[Mapping[str, Any]], ended: Sequence[bool]
) -> list[Score]:
    """Scores many responses, in order: by the task's own `score_all` if it has one, else one by one."""
    if not len(responses) == len(rows) == len(ended):
        raise DataError(
            f"{len(responses)} responses, {len(rows)} rows, {len(ended)} ended", "give as many of one as of the others"
        )
    many = getattr(task, "score_all", None)
    if many is not None:
        found: list[Score] = many(responses, rows, ended)
        return found
    return [task.score(*item) for item in zip(responses, rows, ended, strict=True)]
