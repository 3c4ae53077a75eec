"""Reads samples that exist already: rollouts of any engine, or the samples.parquet of an earlier evaluation.

They are grouped into questions by `group_id` if every row has one, else by the question's text, else by `id`. Without
benchmark files, each row is judged by its own `answer`. With them, rows are matched to questions by group id, else by id,
else by the question's text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hicra import corpus
from hicra.corpus.formats.interface import Decode
from hicra.corpus.need_text import with_text
from hicra.errors import DataError
from hicra.evaluate.questions import EvalBenchmark, EvalQuestion
from hicra.verify.reading.gold import gold_of

GOLD_OPTIONS = ("error", "is_multiple_answer")


@dataclass(frozen=True)
class Saved:
    """A saved response to a question; `tokens` and `ended` are None if the file does not give them."""

    question: EvalQuestion
    text: str
    ids: list[int] | None
    tokens: int | None
    ended: bool | None


def load(
    paths: Sequence[str], mapping: Mapping[str, str] | None = None, decode: Decode | None = None
) -> list[dict[str, Any]]:
    """Reads the rows of files or folders, with canonical column names.

    Args:
        mapping, decode: as for `corpus.read`.

    Raises:
        DataError: `corpus.read` refuses the files, or a row has no text.
    """
    return with_text(corpus.read(list(paths), mapping=mapping, decode=decode, keep_duplicates=True).rows).to_dicts()


def by_own_answer(rows: list[dict[str, Any]], name: str) -> list[Saved]:
    """Pairs each row with a question that has the row's own `answer` as gold answer.

    Raises:
        DataError: a row has no answer, the rows cannot be grouped, or one question has two answers.
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
        known = questions.setdefault(key, EvalQuestion(key, row.get("question") or "", (gold,), "", row))
        if known.golds != (gold,):
            raise DataError(
                f"{name} row {number}: question {key[:60]!r} has another answer than before",
                "give rows of one question the same answer, and different questions different group_ids",
            )
        made.append(_saved(known, row))
    return made


def by_benchmark(rows: list[dict[str, Any]], benchmark: EvalBenchmark, name: str) -> list[Saved]:
    """Returns the rows that belong to questions of a benchmark, in their order.

    Raises:
        DataError: a question of the benchmark has no sample.
    """
    ids = {question.id: question for question in benchmark.questions}
    texts = {" ".join(question.text.split()): question for question in benchmark.questions}
    made, met = [], set()
    for row in rows:
        names = [str(row[key]) for key in ("group_id", "id") if row.get(key) is not None]
        question = next((ids[each] for each in names if each in ids), None)
        question = question or texts.get(" ".join((row.get("question") or "").split()))
        if question is not None:
            made.append(_saved(question, row))
            met.add(question.id)
    lost = [each for each in ids if each not in met]
    if lost:
        raise DataError(
            f"{len(lost)} of {len(ids)} questions of {benchmark.name} have no sample in {name}, the first is {lost[0]!r}",
            "match them by group_id, id or question, or leave out --data to judge samples by their own answers",
        )
    return made


def _saved(question: EvalQuestion, row: Mapping[str, Any]) -> Saved:
    ids, tokens, truncated = row.get("token_ids"), row.get("tokens"), row.get("truncated")
    if type(tokens) is not int:
        tokens = len(ids) if ids is not None else None
    return Saved(question, row["response"], ids, tokens, None if type(truncated) is not bool else not truncated)


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


def shown_name(paths: Sequence[str]) -> str:
    """Names saved samples for messages and results."""
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def sample_files(paths: Sequence[str]) -> list[Path]:
    """Lists the files of the paths, which may be folders."""
    return corpus.files_of([Path(path) for path in paths])
