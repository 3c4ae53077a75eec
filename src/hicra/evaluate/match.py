"""Finds the benchmark question that a saved sample answers, and refuses samples that contradict the benchmark.

The question's text decides where the row has one: the benchmark's question of the same text (white space aside), and of several
of the same text the one that the row's group id or id names, or whose gold answer the row has. Group id and id alone decide only
for rows without a text, or whose text holds the benchmark's question (a prompt with instructions around it): ids are often just
numbers, and number 0 of another file is another question.

A row's own `answer` must be a right answer of the question that is found, since otherwise one of the two files is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hicra.errors import DataError
from hicra.evaluate.questions import EvalBenchmark, EvalQuestion
from hicra.tasks import judge

_FINAL = "####"  # of a GSM8K answer: what follows is the answer itself


class Matcher:
    """Matches the rows of saved samples with one benchmark's questions."""

    def __init__(self, benchmark: EvalBenchmark) -> None:
        self.benchmark = benchmark
        self.by_id = {question.id: question for question in benchmark.questions}
        self.by_text: dict[str, list[EvalQuestion]] = {}
        for question in benchmark.questions:
            self.by_text.setdefault(_spaced(question.text), []).append(question)
        self.answers: dict[tuple[str, str], str] = {}  # (question, a row's own answer) -> the first row that has it

    def question_of(self, row: Mapping[str, Any], place: str) -> EvalQuestion | None:
        """Returns the question that a row answers, or None if it is none of this benchmark's.

        Args:
            row: a row with canonical column names.
            place: names the row in messages.

        Raises:
            DataError: the row's id names one question and its text is another one.
        """
        text = _spaced(row.get("question") or "")
        names = [str(row[key]) for key in ("group_id", "id") if row.get(key) is not None]
        named = [self.by_id[name] for name in names if name in self.by_id]
        found = self.by_text.get(text, []) if text else named[:1]
        if not found and named:
            if _spaced(named[0].text) not in text:
                raise DataError(
                    f"{place} is of question {named[0].id!r} by its id, but its question is not that of {self.benchmark.name}: "
                    f"{text[:80]!r}",
                    "give the samples the benchmark's questions or other ids, or leave out --data",
                )
            found = named[:1]
        if not found:
            return None
        own = _answer(row)
        question = min(found, key=lambda one: (one not in named, own not in _texts(one)))
        if own and own not in _texts(question):
            self.answers.setdefault((question.id, own), place)
        return question

    def refuse_other_answers(self, name: str) -> None:
        """Raises DataError if the own answer of a row so far is no right answer of its question; `name` names the samples."""
        asked = [(self.by_id[question], own, place) for (question, own), place in self.answers.items()]
        asked = [each for each in asked if not self.benchmark.task and not any(gold.bad for gold in each[0].golds)]
        judged = judge.check_any(
            [f"\\boxed{{{own}}}" for _, own, _ in asked], [one.golds for one, _, _ in asked], "boxed"
        )
        wrong = [each for each, answer in zip(asked, judged, strict=True) if answer.verdict == "wrong"]
        if wrong:
            question, own, place = wrong[0]
            raise DataError(
                f"{place}: the sample's own answer is {own[:60]!r}, but that of question {question.id!r} in "
                f"{self.benchmark.name} is {', '.join(question.golds[0].answers)[:60]!r} ({len(wrong)} such in {name})",
                "mend the one that is wrong, or drop the column answer from the samples to judge by the benchmark alone",
            )


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _answer(row: Mapping[str, Any]) -> str:
    given = row.get("answer")
    text = ", ".join(map(str, given)) if isinstance(given, list) else "" if given is None else str(given)
    return text.rpartition(_FINAL)[2].strip()


def _texts(question: EvalQuestion) -> set[str]:
    return {", ".join(gold.answers) for gold in question.golds}
