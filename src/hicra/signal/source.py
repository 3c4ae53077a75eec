"""Finds what asks and what marks: the task (by name, or the questions of a file), and the lexicon."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hicra.artifacts import sha256_file
from hicra.errors import ConfigError
from hicra.lexicon import Lexicon
from hicra.tasks.base import Task, make_task
from hicra.tasks.benchmarks import named_file
from hicra.tasks.files import read_rows
from hicra.tasks.identity import hashes_of

TRAINED = ("train",)  # the split whose problems are asked


def find_task(name: str, data: str, given: Mapping[str, Any]) -> tuple[Task, dict[str, Any]]:
    """Returns the task, and what the folder records of it.

    Args:
        name: a task by name, or "".
        data: a file of questions and answers (`FILE` or `BENCHMARK=FILE`), judged by the verifier, or "".
        given: settings of the task; with `data` those of the task "math", such as answer_mode and prompt.

    Raises:
        ConfigError: none or both are given, or a name, a file or a setting is wrong.
        DataError: the file holds no questions with answers.
    """
    if bool(name) == bool(data):
        raise ConfigError(
            "give a task or a file of questions, one of the two",
            "use --task plan_execute, or --data FILE with question, answer",
        )
    if name:
        task = make_task(name, **given)
        return task, {"task": name, "task_settings": dict(given), **hashes_of(task, TRAINED)}
    kind, file = named_file(data)
    if not kind:
        _, first = next(read_rows(Path(file), "--data"))
        kind = "gsm8k" if "####" in str(first.get("answer")) else "math"
    task = make_task("math", **({"benchmark": kind, "on_bad_gold": "skip"} | dict(given) | {"train_file": file}))
    about = {"task": kind, "task_settings": dict(given), "data": sha256_file(Path(file)), **hashes_of(task, TRAINED)}
    return task, about


def find_lexicon(name: str, task: Task) -> tuple[Lexicon, str]:
    """Returns the lexicon, and a sentence where it was not named: the task's own phrases if it has them, else `paper`."""
    if name:
        return Lexicon.load(name), ""
    if phrases := getattr(task, "phrases", None):
        lexicon = Lexicon.from_phrases(phrases, name=task.name)
        return (
            lexicon,
            f"no lexicon is given: the {len(phrases)} phrases that the task {task.name} knows mark the planning tokens",
        )
    return Lexicon.load(
        "paper"
    ), "no lexicon is given: the list of the paper marks the planning tokens (--lexicon names another)"
