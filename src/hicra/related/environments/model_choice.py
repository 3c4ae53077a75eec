"""The environment "model_choice": a model of scikit-learn is chosen for a data set, and its score is the reward.

A choice that works ends the episode with its cross-validated ROC-AUC. One that fails pays `failure`, and the package's error is
what is read next, so that it can be done better. The data sets come with scikit-learn, and nothing is downloaded.

Source: the data-science setting of Wen et al. 2024, arXiv:2402.06700.

Deviations:
MODELS-1. Their agent writes a program; here it names one of 22 choices in words. What is no such choice is not understood,
    and fails.
MODELS-2. Their data are 14 tables of Kaggle and OpenML; here they are four that scikit-learn brings, of at most 200 rows,
    with one class against the rest. A seed stands for one of them, so training and held-out episodes share the data sets.
MODELS-3. Their score is the mean over five random halves; here it is that over three folds, which are the same each time.
MODELS-4. The text of an error is the package's own, in lower case and without punctuation. It changes with the package's version.
MODELS-5. As in the authors' code an episode ends with the first choice that works, and has at most five actions.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from hicra.related.environments.adapter import Adapter
from hicra.related.environments.interface import Reply
from hicra.related.environments.model_scores import CHOICES, DATA, WORDS, Data, error_words, outcome
from hicra.strict import Positive


class ModelChoice(Adapter):
    """The environment "model_choice".

    Args:
        data: the data sets that seeds stand for, in turn.
        failure: reward of an action that fails.
        longest: the most actions of an episode.
    """

    def __init__(
        self,
        *,
        data: Annotated[tuple[Data, ...], Field(min_length=1)] = DATA,
        failure: Annotated[float, Field(le=0)] = -1.0,
        longest: Positive = 5,
    ) -> None:
        settings = {"data": data, "failure": failure, "longest": longest}
        words = ("choose", "model", "data", "error", ".", *DATA, *WORDS, *error_words())
        super().__init__("model_choice", words, longest, settings)
        self._data, self._failure = data, failure

    def step(self, text: str) -> Reply:
        """Takes a choice; one that fails pays `failure`.

        Raises:
            DataError: the episode has not begun, or has ended.
        """
        reply = super().step(text)
        return reply if self._score is not None else replace(reply, reward=self._failure)

    def actions(self) -> Sequence[str]:
        """Returns every choice; none after the end."""
        return [] if self._done else list(CHOICES)

    def expert(self) -> str:
        """Returns the choice with the highest score; the first time on a data set this scores them all, a second or two.

        Raises:
            DataError: the episode has not begun, or has ended.
        """
        self._going()
        return max(CHOICES, key=lambda choice: outcome(self._of, choice).score or 0.0)

    def _begin(self, seed: int) -> str:
        self._of: str = self._data[seed // 2 % len(self._data)]
        self._score: float | None = None
        self._error = ""
        return "choose model ."

    def _act(self, text: str) -> bool:
        if text not in CHOICES:
            return False
        self._score, self._error = outcome(self._of, text)
        return True

    def _paid(self) -> float | None:
        return self._score

    def _seen(self) -> str:
        return f"error {self._error} . data {self._of} ." if self._error else f"data {self._of} ."

    def _world(self) -> Any:
        return self._score, self._error

    def _go_to(self, seed: int, world: Any) -> None:
        if seed != self._seed:
            self._begin(seed)
        self._score, self._error = world

    def _identity(self) -> Hashable:
        return self._of, self._error
