"""Verdicts to rewards: what could not be judged is None with a count, never a silent zero."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hicra.errors import ConfigError, did_you_mean
from hicra.verify.item import VERDICTS, Answer

UNJUDGED = ("timeout", "error", "bad_gold")


@dataclass(frozen=True)
class Rewards:
    """Rewards in the order of the answers, and how many answers had each verdict.

    values: 1.0 correct, 0.0 wrong or no answer, None (or 0.0 where told so) what could not be judged.
    counts: verdict to number, all six verdicts; they sum to the number of answers.
    unjudged_share: share of timeout, error and bad_gold; 0.0 where there are no answers.
    """

    values: list[float | None]
    counts: dict[str, int]

    @property
    def unjudged_share(self) -> float:
        return sum(self.counts[name] for name in UNJUDGED) / len(self.values) if self.values else 0.0


def counts(answers: Iterable[Answer]) -> dict[str, int]:
    """How many answers had each of the six verdicts."""
    found: dict[str, int] = dict.fromkeys(VERDICTS, 0)
    for answer in answers:
        found[answer.verdict] += 1
    return found


def reward(answers: Sequence[Answer], unjudged: Literal["none", "zero"] = "none") -> Rewards:
    """Rewards of answers.

    Args:
        answers: what `Verifier.check` gave.
        unjudged: what timeout, error and bad_gold become: "none" (None: the engine leaves the sample out) or "zero".

    Raises:
        ConfigError: another `unjudged`.
    """
    if unjudged not in ("none", "zero"):
        raise ConfigError(f"unjudged is {unjudged!r}", did_you_mean(str(unjudged), ("none", "zero")))
    nothing = None if unjudged == "none" else 0.0
    values = [nothing if one.verdict in UNJUDGED else float(one.verdict == "correct") for one in answers]
    return Rewards(values, counts(answers))
