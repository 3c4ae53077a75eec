"""Turns verdicts into rewards; what could not be judged is None and is counted, and never becomes a silent zero."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hicra.errors import ConfigError, did_you_mean
from hicra.verify.item import VERDICTS, Answer

UNJUDGED = ("timeout", "error", "bad_gold")


@dataclass(frozen=True)
class Rewards:
    """The rewards in the order of the answers, and how many answers had each verdict.

    Attributes:
        values: 1.0 for correct, 0.0 for wrong or no answer, None (or 0.0 if asked for) for what could not be judged.
        counts: {verdict: number} with all six verdicts; the numbers sum to the number of answers.
    """

    values: list[float | None]
    counts: dict[str, int]

    @property
    def unjudged_share(self) -> float:
        """The share of timeout, error and bad_gold; 0.0 if there are no answers."""
        return sum(self.counts[name] for name in UNJUDGED) / len(self.values) if self.values else 0.0


def counts(answers: Iterable[Answer]) -> dict[str, int]:
    """Counts how many answers had each of the six verdicts."""
    found: dict[str, int] = dict.fromkeys(VERDICTS, 0)
    for answer in answers:
        found[answer.verdict] += 1
    return found


def reward(answers: Sequence[Answer], unjudged: Literal["none", "zero"] = "none") -> Rewards:
    """Gives the rewards of answers.

    Args:
        answers: the result of `Verifier.check`.
        unjudged: what timeout, error and bad_gold become: "none" gives None (the engine leaves the sample out), "zero" 0.

    Raises:
        ConfigError: `unjudged` is something else.
    """
    if unjudged not in ("none", "zero"):
        raise ConfigError(f"unjudged is {unjudged!r}", did_you_mean(str(unjudged), ("none", "zero")))
    nothing = None if unjudged == "none" else 0.0
    values = [nothing if one.verdict in UNJUDGED else float(one.verdict == "correct") for one in answers]
    return Rewards(values, counts(answers))
