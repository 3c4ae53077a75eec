"""What tasks share whose responses are judged by their final answer alone, through `hicra.verify`.

Deviations (the paper does not say how answers are found in training):
    ANSWER-1. The mode "lenient" by name, which falls back on the last number: small models rarely write a box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hicra.errors import ConfigError, did_you_mean
from hicra.tasks import judge
from hicra.tasks.base import Score
from hicra.verify import Mode, last_box
from hicra.verify.reading.extract import MAX_INPUT

__all__ = ["ByAnswer", "Mode", "refuse_unknown", "summary"]


def refuse_unknown(task: str, unknown: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raises ConfigError for a setting that a task does not have, with the nearest one that it has."""
    for key in unknown:
        raise ConfigError(f"task.settings.{key}: {task} has no such setting", did_you_mean(key, known))


def summary(responses: Sequence[str], rows: Sequence[Mapping[str, Any]], **settings: Any) -> dict[str, float]:
    """Shares of responses, whatever mode pays: with a box, right in the box, right in the box or else by number, and not
    judged at all (verifier out of time or memory).

    Args:
        settings: `workers` and `timeout` of the verifier.
    """
    if not responses:
        return {}
    boxed = [last_box(text[-MAX_INPUT:]) is not None for text in responses]
    scores = judge.score(responses, rows, "lenient", **settings)
    n = len(responses)
    return {
        "boxed_share": sum(boxed) / n,
        "right_boxed_share": sum(bool(one.correct) and box for one, box in zip(scores, boxed, strict=True)) / n,
        "right_share": sum(bool(one.correct) for one in scores) / n,
        "unjudged_share": sum(one.reward is None for one in scores) / n,
    }


class ByAnswer:
    """Scores by the final answer; every task of this kind uses the one verifier of the process (`judge`)."""

    _mode: Mode
    _verifier: dict[str, Any] = {}  # noqa: RUF012  workers and timeout, where a task sets them

    def score(self, response: str, row: Mapping[str, Any], ended: bool) -> Score:
        """1 for the right answer, 0 for a wrong one or none, None where it cannot be judged; `ended` does not matter."""
        return judge.score([response], [row], self._mode, **self._verifier)[0]

    def score_all(
        self, responses: Sequence[str], rows: Sequence[Mapping[str, Any]], ended: Sequence[bool]
    ) -> list[Score]:
        """The same for many at once: equal answers are judged once, and those that need algebra side by side."""
        return judge.score(responses, rows, self._mode, **self._verifier)

    def labels(self, response: str, row: Mapping[str, Any], ended: bool) -> list[str] | None:
        """None: which words plan is not known here."""
        return None

    def summary(
        self, responses: Sequence[str], rows: Sequence[Mapping[str, Any]], ended: Sequence[bool]
    ) -> dict[str, float]:
        """`boxed_share`, `right_boxed_share`, `right_share`, `unjudged_share`, all over responses."""
        return summary(responses, rows, **self._verifier)
