"""One item: a completion and its gold to a verdict, without a worker where that is possible.

The same function runs in the caller's process (no algebra: `UNDECIDED` where only algebra can tell) and in a worker.
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
MAX_SHOWN = 4_096  # characters of an extracted answer that are handed back
MAX_ALGEBRA = 25_000  # characters of an answer and a gold that reach a worker


class Answer(NamedTuple):
    """What became of one completion.

    verdict: one of `VERDICTS`.
    extracted: the answer as written, cut after 4,096 characters; None where the completion gives none.
    seconds: wall time of the deciding attempt, from when a ready worker (or the caller's process) started on it.
    """

    verdict: Verdict
    extracted: str | None
    seconds: float


def decide(extracted: str, gold: Gold, mode: Mode, algebra: Algebra | None) -> Verdict | None:
    """Verdict on an extracted answer against a good gold; None where only algebra can tell and there is none."""
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
    """The answer of a completion under a mode, or None."""
    found = find(completion, mode)
    return None if found is None else found.text
