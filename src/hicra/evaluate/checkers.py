"""Judges whether a sample is right, by a task's own scorer or by the verifier in its three modes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, Self

from hicra.errors import ConfigError
from hicra.evaluate.questions import EvalQuestion
from hicra.tasks import judge
from hicra.tasks.base import Score, Task, score_all

BATCH = 256


class Checked(NamedTuple):
    """The verdicts on one sample by mode, the extracted answers (boxed and strict; lenient), and the seconds it took to judge."""

    boxed: str
    strict: str
    lenient: str
    extracted: str | None
    extracted_lenient: str | None
    seconds: float


class Checker(Protocol):
    """Something that judges samples."""

    def check(
        self, texts: Sequence[str], questions: Sequence[EvalQuestion], ended: Sequence[bool | None]
    ) -> list[Checked]:
        """Judges each sample, in order; `ended` says whether the model ended the text itself (None if unknown)."""
        ...


class ByVerifier:
    """Judges by `hicra.verify`: boxed (by value), strict (exact text of the box), lenient (without a box, the last number)."""

    def __init__(self, workers: int = 2, timeout: float = 2.0) -> None:
        self.settings = {"workers": workers, "timeout": timeout}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        judge.close()

    def check(
        self, texts: Sequence[str], questions: Sequence[EvalQuestion], ended: Sequence[bool | None]
    ) -> list[Checked]:
        """Judges each sample by its questions' gold answers; whether the sample ended does not matter here."""
        golds = [question.golds for question in questions]
        boxed = judge.check_any(texts, golds, "boxed", **self.settings)
        strict = judge.check_any(texts, golds, "strict", **self.settings)
        # lenient is the same as boxed if there is a box, so only samples without one are judged again
        bare = [row for row, answer in enumerate(boxed) if answer.extracted is None]
        lenient = list(boxed)
        again = judge.check_any([texts[row] for row in bare], [golds[row] for row in bare], "lenient", **self.settings)
        for row, answer in zip(bare, again, strict=True):
            lenient[row] = answer
        return [
            Checked(b.verdict, s.verdict, n.verdict, b.extracted, n.extracted, b.seconds + n.seconds * (b is not n))
            for b, s, n in zip(boxed, strict, lenient, strict=True)
        ]


class ByTask:
    """Judges by a task's own scorer: right or wrong by its one rule, and `error` if it cannot say."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def check(
        self, texts: Sequence[str], questions: Sequence[EvalQuestion], ended: Sequence[bool | None]
    ) -> list[Checked]:
        """Judges each sample; one of which it is unknown whether it ended counts as ended."""
        rows = [question.row for question in questions]
        scores = score_all(self.task, texts, rows, [one is not False for one in ended])
        return [
            Checked(verdict, verdict, verdict, score.extracted, score.extracted, 0.0)
            for score, verdict in zip(scores, map(_verdict, scores), strict=True)
        ]


def _verdict(score: Score) -> str:
    if score.verdict is not None:
        return score.verdict
    if score.correct is None:
        return "error"
    return "correct" if score.correct else "no_answer" if score.extracted is None else "wrong"


def in_batches(
    checker: Checker,
    texts: Sequence[str],
    questions: Sequence[EvalQuestion],
    ended: Sequence[bool | None],
    progress: Callable[[int], Any],
) -> list[Checked]:
    """Judges all samples, batch by batch; `progress` is called with the number of samples judged so far."""
    found: list[Checked] = []
    for begin in range(0, len(texts), BATCH):
        part = slice(begin, begin + BATCH)
        found += checker.check(texts[part], questions[part], ended[part])
        progress(len(found))
    if len(found) != len(texts):
        raise ConfigError(f"the checker gave {len(found)} verdicts on {len(texts)} samples")
    return found
