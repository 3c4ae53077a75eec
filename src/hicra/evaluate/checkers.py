"""Who says whether a sample is right: a task's own scorer, or the verifier in its three modes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, Self

from hicra.errors import ConfigError
from hicra.evaluate.questions import EvalQuestion
from hicra.tasks import judge
from hicra.tasks.base import Score, Task, score_all

BATCH = 256


class Checked(NamedTuple):
    """Verdicts on one sample by mode, what was extracted (boxed and strict; lenient), and seconds of the deciding attempt."""

    boxed: str
    strict: str
    lenient: str
    extracted: str | None
    extracted_lenient: str | None
    seconds: float


class Checker(Protocol):
    """Judges samples."""

    def check(
        self, texts: Sequence[str], questions: Sequence[EvalQuestion], ended: Sequence[bool | None]
    ) -> list[Checked]:
        """One verdict a sample, in order."""
        ...


class ByVerifier:
    """`hicra.verify`: boxed (the ladder), strict (exact text of the box), lenient (else the last number)."""

    def __init__(self, workers: int = 2, timeout: float = 2.0) -> None:
        self.settings = {"workers": workers, "timeout": timeout}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        judge.close()

    def check(
        self, texts: Sequence[str], questions: Sequence[EvalQuestion], ended: Sequence[bool | None]
    ) -> list[Checked]:
        """Whether a sample ended does not matter here."""
        golds = [question.golds for question in questions]
        boxed = judge.check_any(texts, golds, "boxed", **self.settings)
        strict = judge.check_any(texts, golds, "strict", **self.settings)
        # with a box lenient is boxed, so only the rest is judged again
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
    """A task's own scorer: right or wrong by its one rule, `error` where it cannot say."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def check(
        self, texts: Sequence[str], questions: Sequence[EvalQuestion], ended: Sequence[bool | None]
    ) -> list[Checked]:
        """An ending that is unknown counts as one."""
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
    """All verdicts; `progress` is called with the number of samples judged."""
    found: list[Checked] = []
    for begin in range(0, len(texts), BATCH):
        part = slice(begin, begin + BATCH)
        found += checker.check(texts[part], questions[part], ended[part])
        progress(len(found))
    if len(found) != len(texts):
        raise ConfigError(f"the checker gave {len(found)} verdicts on {len(texts)} samples")
    return found
