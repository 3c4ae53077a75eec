"""Says exactly why a response fails: its plan, its execution, giving up, or its form.

Deviations (the specification of the task only says what pays):
PLAN-10. A failed response has one kind, the first of these that holds: gave_up, wrong_plan, format, wrong_execution. So a
    response whose plans are all wrong has a wrong plan, whatever its form: no execution and no form would have made it right.
PLAN-11. The plans that count are those that the response announces, as many as the task allows. Operators that are not those of
    a right plan are wrong execution, and a wrong plan stays one whatever operators follow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hicra.errors import DataError
from hicra.tasks.base import Row
from hicra.tasks.plan_execute.language import BOS, language_of
from hicra.tasks.plan_execute.parsing import last_lines, parse, pays, well_formed
from hicra.tasks.plan_execute.problems import NOUNS, right_strategy
from hicra.tasks.plan_execute.settings import PlanExecuteSettings

KINDS = ("wrong_plan", "wrong_execution", "gave_up", "format")
_NUMBERS = ("a", "b", "c", "goal")


def failure_kind(text: str, row: Mapping[str, Any], settings: PlanExecuteSettings | None = None) -> str:
    """Returns why a failed response fails.

    Args:
        text: the response without special tokens. It must have failed.
        row: the problem, with noun, a, b, c and goal, as `PlanExecute.rows` or `problem_of` makes it.
        settings: those of the task; None takes the defaults.

    Returns:
        "gave_up": it ends with `answer none`.
        "wrong_plan": it announces one plan or more, and none that counts solves the problem.
        "format": it has no answer at its end, no plan or too many, no three well-formed equations behind its last plan, words
            where none belong, or it is too long. So is a text that would have paid: it was cut off before its end token.
        "wrong_execution": it announces a right plan and does not carry it through: an equation is false, or it is not the one
            that plan and problem ask for, or a wrong plan follows.

    Raises:
        DataError: the row lacks a part of the problem, or its noun is none.
    """
    settings = settings or PlanExecuteSettings()
    a, b, c, goal = (int(row[name]) for name in _checked(row))
    parsed = parse(text, language_of(settings))
    if parsed.answer == "none":
        return "gave_up"
    if parsed.attempts and not announces_right_plan(text, row, settings):
        return "wrong_plan"
    lines = last_lines(parsed, settings.attempts)
    if lines is None or not all(well_formed(line) for line in lines):
        return "format"
    paid = pays(parsed, a, b, c, goal, settings.attempts, ended=True)
    return "format" if paid else "wrong_execution"


def announces_right_plan(text: str, row: Mapping[str, Any], settings: PlanExecuteSettings | None = None) -> bool:
    """Tells whether one of the plans that count (PLAN-11) solves the problem; arguments and errors as of `failure_kind`."""
    settings = settings or PlanExecuteSettings()
    _checked(row)
    right = int(right_strategy(NOUNS.index(row["noun"]), int(row["a"]), settings.rule))
    attempts = parse(text, language_of(settings)).attempts
    return any(attempt.strategy == right for attempt in attempts[: settings.attempts])


def _checked(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the names of the numbers of a problem, which the row holds; raises DataError where it does not."""
    if row.get("noun") not in NOUNS or any(row.get(name) is None for name in _NUMBERS):
        raise DataError(
            f"plan_execute row {row.get('id')!r} is no problem: it needs noun, a, b, c and goal",
            "write rows as PlanExecute.rows makes them",
        )
    return _NUMBERS


def problem_of(prompt: str) -> Row | None:
    """Reads the problem from a prompt of the task, with or without <bos>; None if the text is no such prompt.

    >>> problem_of("<bos> beads 13 16 14 goal 11 :")
    {'noun': 'beads', 'a': 13, 'b': 16, 'c': 14, 'goal': 11}
    """
    words = prompt.split()
    words = words[1:] if words[:1] == [BOS] else words
    if len(words) != 7 or words[0] not in NOUNS or (words[4], words[6]) != ("goal", ":"):
        return None
    numbers = [words[1], words[2], words[3], words[5]]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        return None
    return {"noun": words[0], **dict(zip(_NUMBERS, map(int, numbers), strict=True))}
