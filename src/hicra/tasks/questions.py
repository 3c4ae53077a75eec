"""Reads questions strictly from files: every row must have a question and a usable answer, and no id may stand twice."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hicra.corpus.records import Record, RowPlace
from hicra.drawing.readable import counted
from hicra.errors import ConfigError, DataError
from hicra.tasks import judge
from hicra.tasks.benchmarks import BenchmarkSpec, NoAnswer
from hicra.tasks.files import column, hub_rows, missing, read_rows
from hicra.tasks.images import images_of

_DROPPED = re.compile(r"""[\s$\\?!;:'"`\u2018\u2019\u201c\u201d]|[.,](?![0-9])""")
OnBadGold = Literal["stop", "skip"]
MAX_LISTED = 20
HUB = "hub:"


@dataclass(frozen=True)
class Question:
    """One question: its place, id, text, gold answer (see `judge.golds_of`) and images (bytes of PNG, JPEG ...)."""

    place: RowPlace
    id: str
    text: str
    gold: Mapping[str, Any]
    images: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def key(self) -> str:
        """The folded text; questions with equal keys are the same question."""
        return folded(self.text)


@dataclass(frozen=True)
class QuestionSet:
    """The questions of some files, and the rows left out because of their gold answer: [{file, line, answer, reason}]."""

    questions: list[Question]
    bad_gold: list[dict[str, Any]]


def folded(text: str) -> str:
    """Folds a question, so that equal questions are recognised.

    The folded text is in lower case, without white space, dollars, backslashes, quotation marks and punctuation. Operators, and
    points and commas before a digit, stay: 3.5 is not 35, and 2 + 3 is not 2 * 3.
    """
    return _DROPPED.sub("", text.lower())


def in_eval(question: Question, share: float, seed: int) -> bool:
    """Tells whether a question is for evaluation, by a hash of its folded text, so that equal ones stay together."""
    digest = hashlib.sha256(f"{seed}:{question.key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def load(
    files: Sequence[str],
    benchmark: BenchmarkSpec,
    *,
    setting: str,
    on_bad_gold: OnBadGold = "stop",
    cut_at: Sequence[str] = (),
    network: bool = False,
) -> QuestionSet:
    """Reads files of questions.

    Args:
        files: paths, or `hub:` for the benchmark's data set on the hub, `hub:OWNER/NAME` for another (needs `network`).
        benchmark: how to read a row.
        setting: name of the setting that gave the files, for messages.
        on_bad_gold: what happens to rows without an answer or with a gold answer that cannot be one: "stop" refuses them,
            "skip" leaves them out; both list them.
        cut_at: a question ends before the first of these texts (instructions that a data set contains).
        network: whether the user allowed the network.

    Raises:
        ConfigError: there is no such file or data set.
        DataError: a file is empty, a column is missing, a row lacks question or answer, an id stands twice, a gold answer
            cannot be one, or an image cannot be read; the message has file and line.
    """
    kept: list[Question] = []
    bad: list[dict[str, Any]] = []
    for file in files:
        seen: dict[str, RowPlace] = {}
        for where, row in _rows(file, benchmark, setting, network):
            try:
                question = _question(where, row, benchmark, cut_at, None if file.startswith(HUB) else Path(file).parent)
            except NoAnswer as error:
                if on_bad_gold == "stop":
                    raise NoAnswer(f"{where}: {error.message}", error.fix) from None
                bad.append(_left_out(where, "", error.message))
                continue
            first = seen.setdefault(question.id, where)
            if first is not where:
                raise DataError(
                    f"{where}: id {question.id!r} was on line {first.line} already",
                    "give each question its own id, or remove one of the two",
                )
            if any(gold.bad for gold in judge.golds_of(question.gold)[:1]):
                bad.append(_left_out(where, question.gold["answer"], "no answer can match it"))
            else:
                kept.append(question)
    if bad and on_bad_gold == "stop":
        raise DataError(
            f"{len(bad)} of {len(bad) + len(kept)} rows have a bad gold answer, which no answer can match: {_listed(bad)}",
            "correct those answers, or leave the rows out with task.settings.on_bad_gold: skip",
        )
    if not kept:
        raise DataError(f"{', '.join(files)}: no question is left", "correct the gold answers")
    return QuestionSet(kept, bad)


def refuse_shared(train: Iterable[Question], held_out: Iterable[Question]) -> None:
    """Raises DataError if a question is both in training and held out, by its folded text."""
    known = {one.key: one.place for one in train}
    shared = [one for one in held_out if one.key in known]
    if shared:
        first = shared[0]
        raise DataError(
            f"{counted(len(shared), 'question')} of {first.place.file} {'is' if len(shared) == 1 else 'are'} in "
            f"{known[first.key].file} too, "
            f"the first on line {first.place.line} (there line {known[first.key].line})",
            "remove them on one side; `hicra corpus overlap TRAIN BENCH` lists them all",
        )


def with_columns(benchmark: BenchmarkSpec, question: str | None, answer: str | None, name: str | None) -> BenchmarkSpec:
    """Returns the benchmark with the given columns in place of its own."""
    changes = {"question": question, "answer": answer, "id": name}
    return dataclasses.replace(benchmark, **{key: (value,) for key, value in changes.items() if value})  # type: ignore[arg-type]


def _rows(file: str, benchmark: BenchmarkSpec, setting: str, network: bool) -> Iterable[Record]:
    if not file.startswith(HUB):
        return read_rows(Path(file), setting)
    name, hub, training = file.removeprefix(HUB), benchmark.hub, setting.endswith("train_file")
    if name:
        return hub_rows(name, None, "train" if training else "test", network=network)
    if hub is None:
        raise ConfigError(
            f"{setting}: benchmark {benchmark.name} has no data set on the hub", "name one, as hub:OWNER/NAME"
        )
    return hub_rows(hub.name, hub.config, "train" if training else hub.split, network=network)


def _question(
    where: RowPlace, row: dict[str, Any], benchmark: BenchmarkSpec, cut_at: Sequence[str], folder: Path | None
) -> Question:
    asked = column(row, benchmark.question)
    if asked is None:
        raise missing(where, "question", benchmark.question, row, "task.settings.question_column")
    answers = (*benchmark.answer, *benchmark.boxed)
    if column(row, answers) is None:
        raise missing(where, "answer", answers, row, "task.settings.answer_column")
    text = asked_text(row[asked])
    for cut in cut_at:
        text = text.partition(cut)[0]
    if not text.strip():
        raise DataError(f"{where} has no text in {asked!r}", "give every row a question, or leave the row out")
    named = column(row, benchmark.id)
    name = None if named is None else row[named]
    if isinstance(name, bool) or not isinstance(name, str | int | None):
        raise DataError(f"{where}: {named} is {type(name).__name__}", "give a string or an integer as id")
    try:
        gold = benchmark.golds(row)
        judge.golds_of(gold)  # this finds a bad tolerance while the line is known
        shown = benchmark.text(row, text.strip())
        images = images_of(row, benchmark.images, folder)
    except NoAnswer:
        raise  # the caller knows the place
    except DataError as error:
        raise type(error)(f"{where}: {error.message}", error.fix) from None
    default = f"{Path(where.file).name}:{where.line}"
    return Question(where, default if name is None else str(name), shown, gold, images)


def asked_text(value: Any) -> str:
    """Returns the text of a question: the value itself, or the last message of the user in a list of messages."""
    if isinstance(value, list):
        said = [one.get("content") for one in value if isinstance(one, dict) and one.get("role") == "user"]
        value = said[-1] if said else None
    return value if isinstance(value, str) else ""


def _left_out(where: RowPlace, answer: str, reason: str) -> dict[str, Any]:
    return {"file": where.file, "line": where.line, "answer": answer[:200], "reason": reason}


def _listed(bad: Sequence[Mapping[str, Any]]) -> str:
    shown = "; ".join(f"{one['file']} line {one['line']} ({one['answer'][:40]!r})" for one in bad[:MAX_LISTED])
    return shown + (f"; and {len(bad) - MAX_LISTED} more" if len(bad) > MAX_LISTED else "")
