"""The task object Calculator, which training and evaluation use.

Deviations (the source system asks a model of 4 to 7 billion parameters to write Python for a sandbox):
CALCULATOR-1. The tool is a calculator for one operation on numbers of 0 to 99. It reads its input by itself and runs nothing.
CALCULATOR-2. The reward is 1 for the right answer at the end of the last turn, else 0; whether the tool was called does not
    matter. A bonus for calls is a part of the reward settings (TCR-1), and not of the task.
CALCULATOR-3. The length of a rollout, which `max_new_tokens` bounds, counts the tokens of the tool.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.tasks.arithmetic import Problem
from hicra.tasks.base import Row, Score
from hicra.tasks.calculator.language import ANSWER, CALL, FIRST_FIRST, FUNCTION_OF, NUMBERS, PHRASES, SECOND_FIRST
from hicra.tasks.calculator.problems import all_problems, calculator, second_first

SPLITS = ("train", "eval")


class Calculator:
    """The task "calculator"; it has no settings.

    Attributes:
        tools: the functions that the policy may call; an engine with a tool loop gets them.
        max_new_tokens: the bound on a rollout, tool tokens included: two calls and an answer take 31.

    Raises:
        ConfigError: a setting is given.
    """

    name = "calculator"
    tools: tuple[Callable[..., str], ...] = (calculator,)
    max_new_tokens = 48

    def __init__(self, **settings: Any) -> None:
        for key in settings:
            raise ConfigError(
                f"task.settings.{key}: calculator has no such setting", "it has no settings: leave it out"
            )

    @property
    def phrases(self) -> list[str]:
        """All planning phrases, sorted; a lexicon of these marks the planning tokens."""
        return sorted(PHRASES)

    def rows(self, split: str, n: int | None = None, seed: int = 0) -> list[Row]:
        """Returns at most n problems in the order that `seed` fixes: `id`, `prompt` (messages), `question`, `answer`."""
        if split not in SPLITS:
            raise ConfigError(f"calculator has no split {split!r}", did_you_mean(split, SPLITS))
        members = [problem for problem in all_problems() if problem.split == split]
        random.Random(seed).shuffle(members)
        return [_row(problem) for problem in members[:n]]

    def score(self, response: str, row: Mapping[str, Any], ended: bool) -> Score:
        """Gives reward 1.0 if the response ends with `answer` and the right number, and has come to its end; else 0.0."""
        if row.get("answer") is None:
            raise DataError(
                f"calculator row {row.get('id')!r} lacks answer", "write rows as Calculator.rows makes them"
            )
        words = response.split()
        given = words[-1] if len(words) > 1 and words[-2] == ANSWER and words[-1] in NUMBERS else None
        right = ended and given == str(row["answer"])
        return Score(reward=float(right), correct=right, extracted=given)

    def labels(self, response: str, row: Mapping[str, Any], ended: bool) -> list[str]:
        """Returns the function of each word: "plan", "execute", "format", or "other" if it does not belong there."""
        words = response.split()
        found = [FUNCTION_OF.get(word, "other") for word in words]
        return ["format" if at and words[at - 1] == ANSWER else kind for at, kind in enumerate(found)]

    def summary(
        self, responses: Sequence[str], rows: Sequence[Mapping[str, Any]], ended: Sequence[bool]
    ) -> dict[str, float]:
        """Computes ended_share, calls (mean number of calls a response), called_share (responses with a call), and
        first_plan_right (responses that announce the right order first, over all)."""
        if not responses:
            return {}
        calls = [response.split().count(CALL) for response in responses]
        plans = [_first_plan(response) for response in responses]
        right = [plan == second_first(_signs(str(row["question"]))) for plan, row in zip(plans, rows, strict=True)]
        return {
            "ended_share": sum(map(bool, ended)) / len(responses),
            "calls": sum(calls) / len(responses),
            "called_share": sum(count > 0 for count in calls) / len(responses),
            "first_plan_right": sum(right) / len(responses),
        }


def _row(problem: Problem) -> Row:
    question = problem.text
    return {
        "id": f"calculator/{question.replace(' ', '')}",
        "prompt": [{"role": "user", "content": question}],
        "question": question,
        "answer": str(problem.value),
    }


def _signs(question: str) -> tuple[str, str]:
    words = question.split()
    return words[1], words[3]


def _first_plan(response: str) -> bool | None:
    """Says whether the first plan is to work out the second operation first; None where no plan is announced."""
    found = [(response.find(phrase), phrase in SECOND_FIRST) for phrase in (*FIRST_FIRST, *SECOND_FIRST)]
    announced = [one for one in found if one[0] >= 0]
    return min(announced)[1] if announced else None
