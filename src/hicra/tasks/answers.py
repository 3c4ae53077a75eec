"""The common part of tasks that judge a response only by its final answer, through `hicra.verify`.

Deviations (the paper does not say how answers are found in training):
    ANSWER-1. There is a mode "lenient", which takes the last number if there is no box, because small models rarely write one.
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
    """Raises ConfigError for a setting that a task does not have, and names the nearest one that it has."""
    for key in unknown:
        raise ConfigError(f"task.settings.{key}: {task} has no such setting", did_you_mean(key, known))


def summary(responses: Sequence[str], rows: Sequence[Mapping[str, Any]], **settings: Any) -> dict[str, float]:
    """Computes shares of responses, the same in every answer mode.

    They are the shares with a box, right in the box, right in the box or (without one) by the last number, and unjudged (the
    verifier ran out of time or memory).

    Args:
        responses: the models' texts.
        rows: their rows, with the gold answers.
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
    """Scores responses by their final answer; all such tasks share the one verifier of the process (`judge`)."""

    _mode: Mode
    _verifier: dict[str, Any] = {}  # noqa: RUF012  workers and timeout, if a task sets them

    def score(self, response: str, row: Mapping[str, Any], ended: bool) -> Score:
        """Gives reward 1 for the right answer, 0 for a wrong one or none, and None if unjudged; `ended` does not matter."""
        return judge.score([response], [row], self._mode, **self._verifier)[0]

    def score_all(
        self, responses: Sequence[str], rows: Sequence[Mapping[str, Any]], ended: Sequence[bool]
    ) -> list[Score]:
        """Scores many responses at once: equal answers are judged once, and those that need algebra in parallel."""
        return judge.score(responses, rows, self._mode, **self._verifier)

    def labels(self, response: str, row: Mapping[str, Any], ended: bool) -> list[str] | None:
        """Returns None, because it is not known which words plan."""
        return None

    def summary(
        self, responses: Sequence[str], rows: Sequence[Mapping[str, Any]], ended: Sequence[bool]
    ) -> dict[str, float]:
        """Computes `boxed_share`, `right_boxed_share`, `right_share` and `unjudged_share`, all over responses."""
        return summary(responses, rows, **self._verifier)
