"""The environment "task": a task with one response, which comes in one action or in several, such as its lines.

This is what trees need of a task: the state is the response so far, so going back to a state is going on from a prefix. The
task's own score is the reward of the last action, and all others have 0.

Deviations (the publications sample from prefixes of mathematical solutions):
    TASKWORLD-1. A prompt of messages is read as their texts, with an empty line between them and no chat template.
    TASKWORLD-2. Problem number `seed` modulo their number is played, so that every seed has a problem. Their number is even (the
        last of an odd number is left out), so that even seeds, which are trained on, and odd ones, which are held out, share
        none.
    TASKWORLD-3. Whether a model wrote its end token is not known to an environment. A response counts as ended unless the clock
        ends it.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any, Literal

from hicra.errors import ConfigError, DataError
from hicra.related.environments.adapter import Adapter
from hicra.strict import Positive
from hicra.tasks.base import Row, Task, make_task
from hicra.tasks.plan_execute.language import VOCABULARY

SPACED = ("plan_execute",)  # tasks whose tokens are words, so that decoding an action drops the spaces at its ends


class FromTask(Adapter):
    """The environment "task".

    Its `words` are those of the task's own tokenizer; a task in free text has none, and a run on it takes the model's tokenizer.

    Args:
        task: name of the task.
        task_settings: of the task.
        split: where its problems are from, "train" or "eval".
        problems: the most problems that are played; an odd number means one less.
        until: a word that the last action of a response holds, such as "answer"; "" if every response is one action.
        longest: the most actions of a response, after which it is scored as one without an end.

    Raises:
        ConfigError: there is no such task, it refuses its settings, its policy may call functions, or it has no problems.
    """

    def __init__(
        self,
        *,
        task: str = "plan_execute",
        task_settings: dict[str, Any] = {},  # noqa: B006  it is never written to
        split: Literal["train", "eval"] = "train",
        problems: Positive = 1000,
        until: str = "",
        longest: Positive = 64,
    ) -> None:
        settings = {
            "task": task, "task_settings": task_settings, "split": split, "problems": problems, "until": until,
            "longest": longest,
        }  # fmt: skip
        super().__init__("task", VOCABULARY if task in SPACED else (), longest, settings)
        self._task, self._rows = _opened(task, json.dumps(task_settings, sort_keys=True), split, problems)
        if getattr(self._task, "tools", None):
            raise ConfigError(
                f"task.settings.task: the policy may call functions in {task}, which needs turns of its own",
                "train on it with engine: trl, or choose a task without tools",
            )
        if not self._rows:
            raise ConfigError(f"task.settings: {task} has no problems in {split}", "choose the other split")
        self._between, self._until = " " if task in SPACED else "", until

    def _begin(self, seed: int) -> str:
        self._row = self._rows[seed % len(self._rows)]
        self._written: tuple[str, ...] = ()
        return _text_of(self._row["prompt"])

    def _read(self, text: str) -> str:
        return text

    def _act(self, text: str) -> bool:
        self._written = (*self._written, text)
        return True

    def _paid(self) -> float | None:
        ended = not self._until or self._until in self._written[-1].split()
        if not ended and self._clock < self.longest:
            return None
        score = self._task.score(self._response, self._row, ended)
        if score.reward is None:
            raise DataError(
                f"environment task: the response to {self._row['id']} could not be judged ({score.verdict or 'no reward'})",
                "choose a task that judges every response, or give it a longer timeout in task_settings",
            )
        return score.reward

    @property
    def _response(self) -> str:
        return self._between.join(self._written)

    def _seen(self) -> str:
        return ""

    def _world(self) -> Any:
        return self._written

    def _go_to(self, seed: int, world: Any) -> None:
        if seed != self._seed:
            self._begin(seed)
        self._written = world

    def _identity(self) -> Hashable:
        return self._row["id"], self._response


@lru_cache(maxsize=8)
def _opened(name: str, settings: str, split: str, problems: int) -> tuple[Task, list[Row]]:
    """Makes a task and its problems, which all environments with the same settings share."""
    task = make_task(name, **json.loads(settings))
    return task, even(task.rows(split, problems))


def even(rows: list[Row]) -> list[Row]:
    """Leaves out the last of an odd number of problems, unless it is the only one."""
    return rows[: max(len(rows) - len(rows) % 2, 1)]


def _text_of(prompt: str | list[Mapping[str, Any]]) -> str:
    if isinstance(prompt, str):
        return prompt
    return "\n\n".join(str(message["content"]) for message in prompt) + "\n"
