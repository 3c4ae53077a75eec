"""Reads samples that exist already: rollouts of any engine, or the samples.parquet of an earlier evaluation.

A row whose id was seen before with the same content counts once, as `hicra corpus inspect` counts it, unless ids name questions
and not rows. Samples of several models, or of several steps of a training, are refused: they are not samples of one model.

Rows are grouped into questions by `group_id` if every row has one, else by the question's text, else by `id`. Without benchmark
files, each row is judged by its own `answer`. With them, match.py finds the question of each row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hicra import corpus
from hicra.corpus.formats.interface import Decode
from hicra.corpus.need_text import with_text
from hicra.drawing.readable import counted
from hicra.errors import DataError
from hicra.evaluate.match import Matcher
from hicra.evaluate.questions import EvalBenchmark, EvalQuestion
from hicra.verify.reading.gold import gold_of

GOLD_OPTIONS = ("error", "is_multiple_answer")


@dataclass(frozen=True)
class Saved:
    """A saved response to a question, with the index of its row; `tokens` and `ended` are None if the file does not give them."""

    row: int
    question: EvalQuestion
    text: str
    ids: list[int] | None
    tokens: int | None
    ended: bool | None


@dataclass(frozen=True)
class SavedRows:
    """The rows of saved samples, with canonical column names; `notes` says what the user should know of the reading."""

    name: str
    rows: list[dict[str, Any]]
    notes: list[str]


def load(paths: Sequence[str], mapping: Mapping[str, str] | None = None, decode: Decode | None = None) -> SavedRows:
    """Reads the rows of files or folders.

    Args:
        mapping, decode: as for `corpus.read`.

    Raises:
        DataError: `corpus.read` refuses the files, a row has no text, or the samples are of several models or steps.
    """
    name = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    read = corpus.read(list(paths), mapping=mapping, decode=decode)
    rows = with_text(read.rows).to_dicts()
    notes = []
    if read.duplicates:
        if shared := _shared_id(rows):
            every = corpus.read(list(paths), mapping=mapping, decode=decode, keep_duplicates=True)
            rows = with_text(every.rows).to_dicts()
            notes.append(
                f"{name}: id {shared!r} stands on different rows, so ids do not tell rows apart, and rows "
                f"that are equal to another one ({read.duplicates:,}) count as samples of their own"
            )
        else:
            copies = counted(read.duplicates, "copy", "copies")
            notes.append(f"{name}: {copies} of rows (same id, same content) left out, so that each row counts once")
    _refuse_several(name, rows)
    return SavedRows(name, rows, notes)


def _shared_id(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Returns an id that two of these different rows have at one step, or None."""
    seen = set()
    for row in rows:
        key = (row.get("file"), row.get("step"), str(row["id"]))  # `file` tells the benchmarks of an evaluation apart
        if row["id"] is not None and key in seen:
            return str(row["id"])
        seen.add(key)
    return None


def _refuse_several(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    models = sorted({str(row["model"]) for row in rows if row.get("model") is not None})
    if len(models) > 1:
        raise DataError(
            f"{name} holds samples of {len(models)} models: {', '.join(models[:4])} ...",
            "put the samples of each model into a file of their own",
        )
    steps = sorted({row["step"] for row in rows if row.get("step") is not None})
    without = sum(row.get("step") is None for row in rows)
    if len(steps) > 1 or (steps and without):
        some = f" and {without} rows without a step" if without else ""
        raise DataError(
            f"{name} holds samples of step {', '.join(map(str, steps[:4]))}{' ...' if len(steps) > 4 else ''}{some}: each step "
            "of a training is another model",
            "give the samples of one step, such as one file of a run's rollouts/",
        )


def by_own_answer(rows: list[dict[str, Any]], name: str) -> list[Saved]:
    """Pairs each row with a question that has the row's own `answer` as gold answer.

    Raises:
        DataError: a row has no answer, the rows cannot be grouped, or one question has two texts or two answers.
    """
    keys = _keys(rows, name)
    questions: dict[str, EvalQuestion] = {}
    made = []
    for number, (key, row) in enumerate(zip(keys, rows, strict=True), 1):
        if row.get("answer") is None or not str(row["answer"]).strip():
            raise DataError(
                f"{name} row {number} (question {key[:60]!r}) has no answer",
                "give the benchmark with --data, or samples with a column answer",
            )
        gold = gold_of(row["answer"], {option: row.get(option) for option in GOLD_OPTIONS})
        text = row.get("question") or ""
        known = questions.setdefault(key, EvalQuestion(key, text, (gold,), "", row))
        other_text = bool(text and known.text) and text.split() != known.text.split()
        for what, differs in (("answer", known.golds != (gold,)), ("text", other_text)):
            if differs:
                raise DataError(
                    f"{name} row {number}: question {key[:60]!r} has another {what} than before",
                    "give rows of one question the same text and answer, and different questions different group_ids",
                )
        made.append(_saved(number - 1, known, row))
    return made


def by_benchmark(rows: list[dict[str, Any]], benchmark: EvalBenchmark, name: str) -> list[Saved]:
    """Returns the rows that belong to questions of a benchmark, in their order.

    Raises:
        DataError: a row contradicts the benchmark (see match.py), or a question of the benchmark has no sample.
    """
    matcher = Matcher(benchmark)
    made = []
    for index, row in enumerate(rows):
        question = matcher.question_of(row, f"{name} row {index + 1}")
        if question is not None:
            made.append(_saved(index, question, row))
    matcher.refuse_other_answers(name)
    met = {one.question.id for one in made}
    lost = [question.id for question in benchmark.questions if question.id not in met]
    if lost:
        raise DataError(
            f"{len(lost)} of {len(benchmark.questions)} questions of {benchmark.name} have no sample in {name}, "
            f"the first is {lost[0]!r}",
            "match them by question, group_id or id, or leave out --data to judge samples by their own answers",
        )
    return made


def _saved(index: int, question: EvalQuestion, row: Mapping[str, Any]) -> Saved:
    ids, tokens, truncated = row.get("token_ids"), row.get("tokens"), row.get("truncated")
    if type(tokens) is not int:
        tokens = len(ids) if ids is not None else None
    return Saved(index, question, row["response"], ids, tokens, None if type(truncated) is not bool else not truncated)


def _keys(rows: list[dict[str, Any]], name: str) -> list[str]:
    for column in ("group_id", "question", "id"):
        values = [row.get(column) for row in rows]
        if all(value is not None and str(value).strip() for value in values):
            several = len({row.get("file") for row in rows}) > 1  # an evaluation of several benchmarks
            return [
                f"{row.get('file')}: {value}" if several else str(value)
                for row, value in zip(rows, values, strict=True)
            ]
    raise DataError(f"{name}: rows cannot be told apart by question", "give every row a group_id, a question, or an id")


def sample_files(paths: Sequence[str]) -> list[Path]:
    """Lists the files of the paths, which may be folders."""
    return corpus.files_of([Path(path) for path in paths])
