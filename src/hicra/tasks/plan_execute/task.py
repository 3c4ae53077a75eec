"""The task object PlanExecute, which training, evaluation and the demo use."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hicra.arrays import Bools
from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.tasks.base import Row, Score
from hicra.tasks.plan_execute import parsing, warmstarts
from hicra.tasks.plan_execute.language import BOS, PLANNING_IDS, language_of, max_new_tokens
from hicra.tasks.plan_execute.problems import NOUNS, all_problems, bounds, right_strategy
from hicra.tasks.plan_execute.settings import PlanExecuteSettings

SPLITS = ("train", "eval")
WARM_STARTS = ("strong", "weak")


class PlanExecute:
    """The task "plan_execute": plan, execute, reflect.

    Args:
        settings: `nouns`, `rule`, `skew`, `hint`, `paraphrases`, `attempts`, `trap`; see `PlanExecuteSettings`.

    Raises:
        ConfigError: a setting is unknown, or a value is out of its range.
    """

    name = "plan_execute"

    def __init__(self, **settings: Any) -> None:
        self.settings = PlanExecuteSettings.parse(settings)
        self.language = language_of(self.settings)

    @property
    def max_new_tokens(self) -> int:
        """The number of tokens of the longest allowed response with its end token, where generation stops."""
        return max_new_tokens(self.settings.attempts)

    @property
    def bounds(self) -> dict[str, float]:
        """The exact success shares of simple policies, as in `problems.bounds`."""
        return bounds(self.settings)

    @property
    def phrases(self) -> list[str]:
        """All planning phrases (plans and reflections), sorted; a lexicon of these marks the planning tokens."""
        return self.language.phrases

    @staticmethod
    def warm_start(name: str) -> Path:
        """Returns the folder of a shipped warm start, "strong" or "weak", which transformers loads.

        Raises:
            ConfigError: there is none of that name.
        """
        if name not in WARM_STARTS:
            raise ConfigError(f"plan_execute has no warm start {name!r}", did_you_mean(name, WARM_STARTS))
        return warmstarts.FOLDER / name

    def rows(self, split: str, n: int | None = None, seed: int = 0) -> list[Row]:
        """Returns at most n problems of a split, in the order that `seed` fixes.

        The columns are id, prompt, noun, a, b, c, goal, strategy (index of the right one, for analysis; `score` ignores it).
        """
        if split not in SPLITS:
            raise ConfigError(f"plan_execute has no split {split!r}", did_you_mean(split, SPLITS))
        if n is not None and n < 0:
            raise ConfigError(f"n is {n}", "ask for 0 or more rows")
        problems = all_problems(self.settings.nouns, self.settings.rule)
        chosen = problems.order(split, seed)[:n]
        columns = (problems.noun, problems.a, problems.b, problems.c, problems.goal, problems.strategy)
        return [_row(*values) for values in zip(*(column[chosen].tolist() for column in columns), strict=True)]

    def score(self, response: str, row: Mapping[str, Any], ended: bool) -> Score:
        """Gives reward 1.0 or 0.0 as `parsing.pays` says; `extracted` is the word after `answer` at the end."""
        _, a, b, c, goal = _problem(row)
        parsed = parsing.parse(response, self.language)
        paid = parsing.pays(parsed, a, b, c, goal, self.settings.attempts, ended)
        return Score(reward=float(paid), correct=paid, extracted=parsed.answer)

    def labels(self, response: str, row: Mapping[str, Any], ended: bool) -> list[str]:
        """Returns the function of each word: "plan", "reflect", "execute", "format", or "other" if it does not belong there."""
        return parsing.functions(response.split())

    def planning_mask(self, ids: NDArray[np.integer[Any]]) -> Bools:
        """Returns the exact planning mask of the shipped tokenizer's ids (any shape): true on plan and reflection tokens."""
        return np.isin(ids, sorted(PLANNING_IDS))

    def summary(
        self, responses: Sequence[str], rows: Sequence[Mapping[str, Any]], ended: Sequence[bool]
    ) -> dict[str, float]:
        """Computes exact figures over responses; shares lie in 0..1, entropies are in nats, and undefined figures are left out.

        They are accuracy, ended_share, first_plan_right (the first announced plan is the right one), attempts (mean number of
        plans per response), retry_share (responses with more than one plan), retries_after_failure (the same, over responses
        whose first plan is wrong), equations_right (over equations), consistent (attempts whose operators are the announced
        ones, over attempts with two well-formed equations), strategy_entropy (of the first announced strategies), and
        plan_forms_entropy (of all announced forms of plans).
        """
        if not len(responses) == len(rows) == len(ended):
            raise DataError(
                f"{len(responses)} responses, {len(rows)} rows, {len(ended)} ended",
                "give as many of one as of the others",
            )
        if not responses:
            return {}
        parsed = [parsing.parse(response, self.language) for response in responses]
        problems = [_problem(row) for row in rows]
        right = [int(right_strategy(noun, a, self.settings.rule)) for noun, a, _, _, _ in problems]
        firsts = [p.attempts[0].strategy if p.attempts else None for p in parsed]
        attempts = [attempt for p in parsed for attempt in p.attempts]
        wrong_first = [p for p, s, r in zip(parsed, firsts, right, strict=True) if s is not None and s != r]
        limit = self.settings.attempts
        figures = {
            "accuracy": _mean(
                parsing.pays(p, *q[1:], limit, e) for p, q, e in zip(parsed, problems, ended, strict=True)
            ),
            "ended_share": _mean(map(bool, ended)),
            "first_plan_right": _mean(first == r for first, r in zip(firsts, right, strict=True)),
            "attempts": _mean(len(p.attempts) for p in parsed),
            "retry_share": _mean(len(p.attempts) > 1 for p in parsed),
            "retries_after_failure": _mean(len(p.attempts) > 1 for p in wrong_first),
            "equations_right": _mean(equation.right for p in parsed for equation in p.equations),
            "consistent": _mean(attempt.consistent for attempt in attempts if attempt.executed),
            "strategy_entropy": _entropy(first for first in firsts if first is not None),
            "plan_forms_entropy": _entropy(attempt.form for attempt in attempts),
        }
        return {name: value for name, value in figures.items() if value is not None}


def _row(noun: int, a: int, b: int, c: int, goal: int, strategy: int) -> Row:
    word = NOUNS[noun]
    prompt = f"{BOS} {word} {a} {b} {c} goal {goal} :"
    named = {"noun": word, "a": a, "b": b, "c": c, "goal": goal, "strategy": strategy}
    return {"id": f"{word}-{a}-{b}-{c}-{goal}", "prompt": prompt, **named}


def _problem(row: Mapping[str, Any]) -> tuple[int, int, int, int, int]:
    """Reads the noun's index, a, b, c and goal of a row, or raises a DataError that names the column."""
    missing = [name for name in ("noun", "a", "b", "c", "goal") if row.get(name) is None]
    if missing:
        raise DataError(
            f"plan_execute row {row.get('id')!r} lacks {', '.join(missing)}",
            "write rows as PlanExecute.rows makes them",
        )
    if row["noun"] not in NOUNS:
        raise DataError(
            f"plan_execute row {row.get('id')!r}: no noun {row['noun']!r}", did_you_mean(str(row["noun"]), NOUNS)
        )
    return NOUNS.index(row["noun"]), int(row["a"]), int(row["b"]), int(row["c"]), int(row["goal"])


def _mean(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else None


def _entropy(values: Iterable[int]) -> float | None:
    """Computes the plug-in Shannon entropy in nats, or None if there are no values."""
    counts = Counter(values)
    total = sum(counts.values())
    if not total:
        return None
    return sum(count / total * math.log(total / count) for count in counts.values())
