"""Reads benchmarks: files of questions and answers, or the questions of a generated task by its name.

A file is read strictly, as the task "math" reads it (docs/reference/tasks.md), with `question` and `answer`. `NAME=FILE`
reads it as the benchmark of that name (`gsm8k=test.jsonl`); a file whose first answer holds `####` is always read as GSM8K.
Rows of the plan_execute task (`prompt`, `noun`, `a`, `b`, `c`, `goal`) are judged by that task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hicra.artifacts import canonical_json, sha256_bytes, sha256_file
from hicra.corpus.records import RowPlace
from hicra.errors import ConfigError, DataError
from hicra.generation.render import Prompt
from hicra.tasks import judge
from hicra.tasks import questions as from_files
from hicra.tasks.base import GENERATED, Task, make_task
from hicra.tasks.benchmarks import BENCHMARKS, named_file
from hicra.tasks.files import read_rows
from hicra.tasks.prompts import template_of
from hicra.verify import Gold

GENERATED_QUESTIONS = 256
PLAN_EXECUTE_KEYS = {"prompt", "noun", "a", "b", "c", "goal"}


@dataclass(frozen=True)
class EvalQuestion:
    """One question: its id (unique in its benchmark), text, gold answers (any is right), prompt, row of its task, and images."""

    id: str
    text: str
    golds: tuple[Gold, ...]
    prompt: Prompt
    row: Mapping[str, Any] = field(repr=False, default_factory=dict)
    images: tuple[bytes, ...] = field(repr=False, default=())


@dataclass(frozen=True)
class EvalBenchmark:
    """The questions of one benchmark, and what judges their answers.

    Attributes:
        name: the path, or the name of the task; the result has it as key.
        kind: the benchmark that the file is read as ("math", "gsm8k" ...), or the task.
        sha256: hash of the file's bytes (with images also of theirs, which may lie beside it), or of the task's rows.
        template: name of the prompt template; "task" if the task writes its prompts.
        task: the task that judges, or None if the verifier does.
        questions: the questions, at least one.
        bad_gold: ids or places of rows whose gold answer cannot be an answer; these are not asked.
    """

    name: str
    kind: str
    sha256: str
    template: str
    task: Task | None
    questions: list[EvalQuestion]
    bad_gold: list[str] = field(default_factory=list)

    @property
    def images(self) -> int:
        """The number of images that its questions have."""
        return sum(len(question.images) for question in self.questions)


def load(name: str, template: str, most: int = 0, seed: int = 0) -> EvalBenchmark:
    """Reads a benchmark from a file, or makes the questions of a generated task.

    Args:
        name: a path, `KIND=PATH` (KIND is the name of a benchmark), or the name of a task.
        template: the prompt template of questions from files.
        most: how many questions are taken, from the first; 0 takes all (256 of a generated task).
        seed: decides the order of a generated task's questions.

    Raises:
        ConfigError: there is no such file, or its format is unknown.
        DataError: the file is empty, a row lacks question or answer, an id stands twice, or an image cannot be read (the
            message has file and line).
    """
    if name in GENERATED and not Path(name).exists():
        task = make_task(name)
        rows = task.rows("eval", most or GENERATED_QUESTIONS, seed)
        digest = sha256_bytes(canonical_json(rows).encode())
        return EvalBenchmark(name, name, digest, "task", task, [_of_task(row) for row in rows])
    kind, file = named_file(name)
    path = Path(file)
    where, first = next(read_rows(path, "--data"))
    if first.keys() >= PLAN_EXECUTE_KEYS:
        questions = [_of_plan_execute(where, row) for where, row in read_rows(path, "--data")]
        _refuse_doubled(questions, where)
        task = make_task("plan_execute")
        return EvalBenchmark(file, task.name, sha256_file(path), "task", task, questions[: most or None])
    kind = kind or ("gsm8k" if "####" in str(first.get("answer")) else "math")
    loaded = from_files.load([file], BENCHMARKS[kind], setting="--data", on_bad_gold="skip")
    for bad in loaded.bad_gold:
        if not bad["answer"]:  # there is no answer at all, so the file is not what it should be
            raise DataError(
                f"{bad['file']} line {bad['line']}: {bad['reason']}", "give the row its right answer, or leave it out"
            )
    made = template_of(template, "--template")
    asked = [
        EvalQuestion(
            one.id,
            one.text,
            tuple(judge.golds_of(one.gold)),
            made.messages(one.text, len(one.images)),
            images=one.images,
        )
        for one in loaded.questions[: most or None]
    ]
    listed = [f"line {bad['line']}: {bad['answer'][:60]}" for bad in loaded.bad_gold]
    return EvalBenchmark(file, kind, _hash(path, asked), template, None, asked, listed)


def _hash(path: Path, questions: list[EvalQuestion]) -> str:
    images = [sha256_bytes(image) for question in questions for image in question.images]
    whole = sha256_file(path)
    return sha256_bytes(canonical_json([whole, images]).encode()) if images else whole


def _of_task(row: Mapping[str, Any]) -> EvalQuestion:
    text = row.get("question") or row["prompt"]
    return EvalQuestion(str(row["id"]), str(text), (Gold((str(row.get("answer", "")),)),), row["prompt"], row)


def _of_plan_execute(where: RowPlace, row: Mapping[str, Any]) -> EvalQuestion:
    lost = sorted(key for key in PLAN_EXECUTE_KEYS if row.get(key) is None)
    if lost or not isinstance(row["prompt"], str):
        raise DataError(
            f"{where}: {', '.join(lost) or 'prompt'} missing or no text", "write rows as PlanExecute.rows makes them"
        )
    return _of_task({"id": f"line-{where.line}"} | {key: value for key, value in row.items() if value is not None})


def _refuse_doubled(questions: list[EvalQuestion], where: RowPlace) -> None:
    ids = [question.id for question in questions]
    if len(set(ids)) != len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise DataError(f"{where.file}: id {twice!r} stands twice", "give each question its own id")


def refuse_twice(benchmarks: list[EvalBenchmark]) -> None:
    """Raises ConfigError if two benchmarks have the same name, since results are kept by name."""
    names = [benchmark.name for benchmark in benchmarks]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"benchmark {twice} is given twice", "name each benchmark once")
