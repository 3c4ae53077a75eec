"""Judges one item, a completion and its gold answer, without a worker if that is possible.

The same function runs in the caller's process (which has no algebra, and returns None if only algebra can tell) and in a worker.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

from hicra.verify.comparing.ladder import equal, equal_text
from hicra.verify.comparing.leaves import Algebra, NeedsAlgebra
from hicra.verify.reading.extract import Mode, find
from hicra.verify.reading.gold import Gold
from hicra.verify.reading.tokens import TooBig

Verdict = Literal["correct", "wrong", "no_answer", "timeout", "error", "bad_gold"]
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
MAX_SHOWN = 4_096  # the most characters of an extracted answer that are returned
MAX_ALGEBRA = 25_000  # the most characters of an answer with its gold answer that go to a worker


class Answer(NamedTuple):
    """The judged answer of one completion.

    Attributes:
        verdict: one of `VERDICTS`.
        extracted: the answer as written, cut after 4,096 characters; None if the completion has none.
        seconds: elapsed time of the deciding attempt, from when a ready worker (or the caller's process) started on it.
    """

    verdict: Verdict
    extracted: str | None
    seconds: float


def decide(extracted: str, gold: Gold, mode: Mode, algebra: Algebra | None) -> Verdict | None:
    """Judges an extracted answer against a good gold answer; None if only algebra can tell and `algebra` is None."""
    if mode == "strict":
        return "correct" if equal_text(extracted, gold) else "wrong"
    try:
        return "correct" if equal(extracted, gold, algebra) else "wrong"
    except RecursionError:  # the caller's stack is nearly full; a worker's is not
        if algebra is not None:
            raise
        return None if len(extracted) <= MAX_ALGEBRA else "wrong"
    except NeedsAlgebra:
        size = len(extracted) + sum(map(len, gold.answers))
        return None if size <= MAX_ALGEBRA else "wrong"
    except TooBig:
        return "wrong"


def extract(completion: str, mode: Mode) -> str | None:
    """Extracts the answer of a completion in a mode, or returns None."""
    found = find(completion, mode)
    return None if found is None else found.text
